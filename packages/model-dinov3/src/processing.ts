// How pictures are prepared for a DINO encoder: as its own preprocessor_config.json says, or as the published ones do.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { imageNet } from '@deepearth/vision/picture-processing';
import { readProcessor, type Processor } from '@deepearth/vision/processor-config';
import type { Architecture } from './architecture.ts';

/** A processor and the file that declared it; `null` where the published ones' is taken. */
export interface FoundProcessor extends Processor {
  readonly file: string | null;
}

const crop = { height: 224, width: 224 };

/** What the published checkpoints of each kind come with. Those of satellite pictures have other statistics. */
export const publishedProcessor = ({ kind }: Pick<Architecture, 'kind'>): Processor =>
  kind === 'dinov3'
    ? { processing: { resize: 'exact', interpolation: 'bilinear', resizedAs: 'float32', ...imageNet }, crop }
    : {
        processing: {
          resize: { shortestEdge: 256, crop: 224 },
          interpolation: 'bicubic',
          resizedAs: 'uint8',
          ...imageNet,
        },
        crop,
      };

/** Reads the preprocessor_config.json of a folder where there is one. Throws an `InputError` when it cannot be followed. */
export async function processorIn(
  folder: string | undefined,
  architecture: Pick<Architecture, 'kind'>,
): Promise<FoundProcessor> {
  const file = folder === undefined ? undefined : join(folder, 'preprocessor_config.json');
  const text =
    file &&
    (await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
      throw new InputError(file, `cannot be read (${cause.code ?? cause.message}).`, {
        cause,
        code: 'E_PROCESSOR_CONFIG',
      });
    }));
  if (!file || text === undefined) return { ...publishedProcessor(architecture), file: null };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError(file, `is no JSON: ${(cause as Error).message}.`, { cause, code: 'E_PROCESSOR_CONFIG' });
  }
  return { ...readProcessor(json, file), file };
}
