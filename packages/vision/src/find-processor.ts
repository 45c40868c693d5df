// Finds the processor file of a checkpoint where transformers looks for it.

import { basename, join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { readTextFile } from '@deepearth/core/regular-file';
import { readProcessor, type Processor, type ProcessorClasses } from './processor-config.ts';

/** A processor and the file that declared it; `null` where the published checkpoints' is taken. */
export interface FoundProcessor extends Processor {
  readonly file: string | null;
}

/** What an encoder's family has of processors. */
export interface ProcessorFamily extends ProcessorClasses {
  /** Which files count: those of pictures, or those of videos. */
  readonly of: 'image' | 'video';
  /** What is done where no file says otherwise. */
  readonly published: Processor;
}

/** In the order of transformers: what a combined processor was saved as, then the files of one. */
const names = {
  image: ['processor_config.json', 'preprocessor_config.json'],
  video: ['processor_config.json', 'video_preprocessor_config.json', 'preprocessor_config.json'],
} as const;

/**
 * Reads the processor file of a folder, or returns the published one where there is no folder or no file. Throws an
 * `InputError` when the file cannot be followed.
 */
export async function findProcessor(folder: string | undefined, family: ProcessorFamily): Promise<FoundProcessor> {
  for (const name of folder === undefined ? [] : names[family.of]) {
    const file = join(folder!, name);
    const json = await readJson(file);
    if (json === undefined) continue;
    const own =
      name === 'processor_config.json' ? (json as Record<string, unknown> | null)?.[`${family.of}_processor`] : json;
    // Most models have a processor_config.json; only those saved by transformers 5 hold the processors themselves.
    if (own === undefined) continue;
    return { ...readProcessor(own, file, family), file };
  }
  return { ...family.published, file: null };
}

/** What a plan says of the preparation: nothing of a file that declares what is done anyway. */
export function processorNotes(
  { file, notes = [], ...found }: FoundProcessor,
  { of, published }: ProcessorFamily,
  folder: string | undefined,
): string[] {
  if (file === null)
    return folder === undefined
      ? []
      : [`no ${names[of][1]}: frames are prepared as the published checkpoints of its kind are`];
  const { resize, interpolation, mean, deviation } = found.processing;
  const same = JSON.stringify(found) === JSON.stringify({ processing: published.processing, crop: found.crop });
  const size = resize === 'exact' ? 'resized to' : `shortest edge ${resize.shortestEdge} of ${resize.crop}, crop of`;
  const few = (values: readonly number[]): string => values.map((value) => Number(value.toPrecision(4))).join(', ');
  return [
    ...(same
      ? []
      : [
          `frames are prepared as ${basename(file)} says: ${size} ${found.crop.height} x ${found.crop.width}, ${interpolation}, mean ${few(mean)}, deviation ${few(deviation)}`,
        ]),
    ...notes,
  ];
}

async function readJson(file: string): Promise<unknown> {
  const text = await readTextFile(file, { maxBytes: 2 ** 24 }).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof InputError) throw cause;
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw new InputError(file, `cannot be read (${cause.code ?? cause.message}).`, {
      cause,
      code: 'E_PROCESSOR_CONFIG',
    });
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new InputError(file, `is no JSON: ${(cause as Error).message}.`, { cause, code: 'E_PROCESSOR_CONFIG' });
  }
}
