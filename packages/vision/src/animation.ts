// Defines sinks that write pictures one after another into one file for each layer and sequence: GIF, WebP, video.

import {
  axisSize,
  defineSink,
  fileTemplate,
  fillTemplate,
  folderOf,
  InputError,
  lineage,
  pathIn,
  refuse,
  sequenceCount,
  sequenceFile,
  sourceName,
  spec,
  type Artifact,
  type ArtifactWriter,
  type DescribedInput,
  type Descriptor,
  type Picture,
  type Refusal,
  type StageContext,
  type StageDefinition,
} from '@deepearth/core';
import { numberColumn, type Column } from '@deepearth/core/columns';
import type { z } from 'zod';
import { pixelsOf, type PictureSum } from './picture-sum.ts';

export type { PictureSum };

/** One picture of an animation: `[height, width, channels]`, 3 channels or 4 with opacity last. */
export interface AnimationPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Says that the pixels are needed no longer: they may change from then on. Nobody has to. */
  release?(): void;
}

/** Parts of a file, in order. */
export type Parts = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** A file that grows picture by picture. */
export interface AnimationWriter {
  /** Takes a picture and returns the bytes that are ready, often none. */
  add(picture: AnimationPicture): Parts | Promise<Parts>;
  /** The rest of the file. */
  end(): Parts | Promise<Parts>;
  /** Gives up what the writer holds beside memory; runs in any case, after `end` too. */
  close?(): Promise<void> | void;
}

/** What every animation has in its options. */
export interface AnimationOptions {
  readonly directory: string;
  readonly file?: string | undefined;
}

/** The option `file` of every animation. */
export const animationFile = fileTemplate(['layer', 'first', 'last'])
  .optional()
  .describe(
    'Names of the files below the folder, without ending: <layer> is that of the pictures, <first> and <last> are the numbers of the first and last frame they show. Default: "<layer>".',
  );

const usualFile = '<layer>';

/** One kind of file that pictures become. */
export interface AnimationFormat<Schema extends z.ZodType<AnimationOptions>, State, Survey> {
  /** The name after the slash. */
  readonly type: string;
  readonly summary: string;
  readonly options: Schema;
  readonly examples: readonly string[];
  /** For messages: "GIF". */
  readonly noun: string;
  readonly ending: string;
  readonly mediaType: string;
  /** The folder that `directory` says when nobody chose one. */
  readonly usualFolder: string;
  /** Pixels along an edge, at most. */
  readonly mostEdge: number;
  /** What else cannot be written, `size` where it is known. */
  readonly refuses?: (about: Descriptor<z.output<Schema>, Survey>, size: Edges | undefined) => Refusal | undefined;
  readonly warnings?: (about: Descriptor<z.output<Schema>, Survey>, sizes: readonly Edges[]) => readonly string[];
  readonly notes?: (about: Descriptor<z.output<Schema>, Survey>) => readonly string[];
  /** Bytes of files at most. */
  readonly bytes: (sum: PictureSum, options: z.output<Schema>) => number;
  /** Bytes that one file holds while it is being written; files of several layers are written at once. */
  readonly memoryBytes: (options: z.output<Schema>, size: Edges | undefined) => number;
  survey?(options: z.output<Schema>, signal: AbortSignal): Promise<Survey>;
  open?(context: StageContext<z.output<Schema>, undefined, Survey>): Promise<State>;
  close?(state: Awaited<State>): Promise<void> | void;
  /** Starts a file whose first picture is this; `name` is the only one of its kind in the run. */
  start(
    context: StageContext<z.output<Schema>, Awaited<State>, Survey>,
    first: AnimationPicture,
    name: string,
  ): Promise<AnimationWriter> | AnimationWriter;
  /** What else the bytes depend on, for the key. */
  readonly keyParts?: (state: Awaited<State>) => readonly string[];
}

/** The size of pictures. */
export interface Edges {
  readonly width: number;
  readonly height: number;
}

/** A file that is being written. */
interface Writing {
  readonly first: Picture;
  readonly file: ArtifactWriter;
  readonly writer: AnimationWriter;
  /** Numbers of its frames. */
  readonly frames: Column<number>;
  /** Digest of the keys of all pictures so far. */
  key: string;
}

/** The sizes of the pictures that come, as far as they are known. */
function sizesOf(inputs: Descriptor<unknown, unknown>['inputs']): Edges[] {
  return inputs.flatMap(({ spec: pictures }) => {
    const [width, height] = [axisSize(pictures, 'width'), axisSize(pictures, 'height')];
    return typeof width === 'number' && typeof height === 'number' ? [{ width, height }] : [];
  });
}

/** Whether no two inputs have a layer in common: their pictures then go into files of their own. */
const apart = (inputs: readonly DescribedInput[]): boolean => {
  const layers = inputs.flatMap(({ spec: { names } }) => names ?? []);
  return inputs.every(({ spec: { names } }) => names) && new Set(layers).size === layers.length;
};

const toPicture = ({ pixels: { data, shape } }: Picture): AnimationPicture => {
  const [height, width, channels] = shape as [number, number, number];
  return { data, width, height, channels };
};

/** What a writer is given: it says when it needs the pixels no longer. */
const toRelease = (picture: Picture, { pixels }: Pick<StageContext<unknown>, 'pixels'>): AnimationPicture => ({
  ...toPicture(picture),
  release: () => pixels.release(picture),
});

/**
 * A sink that makes one file of the pictures of each layer and sequence, in the order in which they come; inputs with a
 * layer in common are taken one after the other.
 */
export function defineAnimation<Schema extends z.ZodType<AnimationOptions>, State = undefined, Survey = undefined>(
  format: AnimationFormat<Schema, State, Survey>,
): StageDefinition<Schema, Picture, Artifact, State, Survey> {
  const { noun, ending, mediaType, usualFolder, mostEdge } = format;
  const article = /^[aeiou]/i.test(noun) ? 'an' : 'a';

  /** True, or an `InputError`. */
  const sameSize = (first: Picture, picture: Picture): true => {
    const [a, b] = [first, picture].map(
      ({ pixels: { shape } }) => `${shape[1]} x ${shape[0]}${shape[2] === 4 ? ' with opacity' : ''}`,
    );
    if (Math.max(...picture.pixels.shape.slice(0, 2)) > mostEdge)
      throw new InputError(
        sourceName(picture.frame),
        `the picture ${picture.id} is ${b}; ${article} ${noun} has at most ${mostEdge} pixels along an edge.`,
        { code: 'E_PICTURE_SIZE', remedy: 'Write it with sink/pictures.' },
      );
    if (a === b) return true;
    throw new InputError(
      sourceName(picture.frame),
      `the picture ${picture.id} is ${b}, but the ${noun} "${first.layer}" began with ${a} (${sourceName(first.frame)}).`,
      {
        code: 'E_PICTURE_SIZE',
        remedy: `All pictures of ${article} ${noun} have one size; write them with sink/pictures, or leave frames of another size out.`,
      },
    );
  };

  return defineSink<Schema, State, Survey, Picture, Artifact>({
    type: format.type,
    summary: format.summary,
    options: format.options,
    joins: 'merged',
    apart,
    examples: format.examples,
    ...(format.survey && { survey: format.survey.bind(format) }),
    ...(format.open && { open: format.open.bind(format) }),
    ...(format.close && { close: format.close.bind(format) }),

    describe(input, about) {
      const { options, inputs, ownName } = about;
      const other = inputs.find(({ spec: { kind } }) => kind !== 'picture');
      if (input?.kind !== 'picture' || other)
        return refuse(`${article} ${noun} is made of pictures, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
          remedy: 'Put it behind a renderer.',
        });
      for (const { spec: pictures } of inputs)
        for (const axis of ['width', 'height'])
          if ((axisSize(pictures, axis) ?? 0) > mostEdge)
            return refuse(
              `${article} ${noun} has at most ${mostEdge} pixels along an edge, and the pictures have ${axisSize(pictures, axis)}.`,
              { remedy: 'Write them with sink/pictures.' },
            );
      const sizes = sizesOf(inputs);
      for (const size of sizes.length ? sizes : [undefined]) {
        const refused = format.refuses?.(about, size);
        if (refused) return refused;
      }
      const sum = pixelsOf(inputs);
      const files = inputs.reduce<number | null>(
        (all, { spec: { names, sequences } }) =>
          all === null || !names || sequences === null ? null : all + names.length * (sequences?.length ?? 1),
        0,
      );
      const largest = sizes.reduce<Edges | undefined>(
        (most, size) => (most && most.width * most.height >= size.width * size.height ? most : size),
        undefined,
      );
      const [warnings, notes] = [format.warnings?.(about, sizes) ?? [], format.notes?.(about) ?? []];
      return {
        output: { ...spec('artifact', {}, null, null), ...(files !== null && { most: { count: files } }) },
        ...(sum && { diskBytes: format.bytes(sum, options) }),
        files: {
          option: 'directory',
          paths: inputs.flatMap(({ id, spec: { names = ['<layer>'] } }) =>
            names.map((layer) => ({
              path: `${pathIn(
                folderOf(options.directory, usualFolder, ownName),
                `<sequence>/${(options.file ?? usualFile).replaceAll('<layer>', layer)}`,
              )}.${ending}`,
              from: id,
            })),
          ),
        },
        drains: true,
        memoryBytes: format.memoryBytes(options, largest) * sequenceCount(inputs) * (apart(inputs) ? inputs.length : 1),
        ...(warnings.length > 0 && { warnings }),
        ...(notes.length > 0 && { notes }),
      };
    },

    async *process(pictures, context) {
      const { options, output, signal, severalSequences } = context;
      const folder = folderOf(options.directory, usualFolder, context.ownName);
      const { file: template = usualFile } = options;
      // Which frame is the last is known at the end.
      const namedAtEnd = /<(?:first|last)>/.test(template);
      const pathOf = ({ layer, frame, id }: Picture, [first, last]: readonly (number | null)[] = []): string => {
        const ends = { ...(first != null && { first }), ...(last != null && { last }) };
        const name = fillTemplate(template, { layer, ...ends }, id);
        return `${pathIn(folder, name, severalSequences ? frame.sequence : undefined)}.${ending}`;
      };
      const writings = new Map<string, Writing>();
      const begin = async (name: string, first: Picture): Promise<Writing> => {
        const file = await output.writer({ ...(!namedAtEnd && { path: pathOf(first) }), mediaType });
        let writer: AnimationWriter;
        try {
          writer = await format.start(context, toPicture(first), name);
        } catch (error) {
          await file.discard();
          throw error;
        }
        const writing: Writing = { first, file, writer, frames: numberColumn(), key: '' };
        writings.set(name, writing);
        return writing;
      };
      const append = async ({ file }: Writing, parts: Parts): Promise<void> => {
        for await (const part of parts) {
          signal.throwIfAborted();
          await file.append(part);
        }
      };
      const finish = async (name: string, writing: Writing): Promise<Artifact> => {
        signal.throwIfAborted();
        await append(writing, await writing.writer.end());
        const { layer, frame } = writing.first;
        const artifact = await writing.file.commit({
          ...(namedAtEnd && { path: pathOf(writing.first, writing.frames.ends) }),
          key: context.key(layer, writing.key, ...(format.keyParts?.(context.state) ?? [])),
          about: { kind: 'picture', sequence: frame.sequence, frames: [...writing.frames] as number[], layer },
        });
        writings.delete(name);
        await writing.writer.close?.();
        return artifact;
      };
      const sorted = (): [string, Writing][] => [...writings].sort(([a], [b]) => (a < b ? -1 : 1));
      // Where sequences come one after another, the next one of a layer ends the one before.
      const inPieces = context.inputs.some(({ spec: { interleaved } }) => interleaved);
      try {
        for await (const picture of pictures) {
          signal.throwIfAborted();
          const { layer, frame } = picture;
          const name = sequenceFile(frame.sequence, layer, severalSequences);
          const started = writings.get(name);
          const fits = await context.attempt(picture, () => sameSize(started?.first ?? picture, picture));
          if (!fits) continue;
          if (!started && !inPieces)
            for (const [before, writing] of sorted())
              if (writing.first.layer === layer) yield await finish(before, writing);
          const writing = started ?? (await begin(name, picture));
          writing.key = lineage(writing.key, picture.key);
          writing.frames.push(frame.number);
          await append(writing, await writing.writer.add(toRelease(picture, context)));
        }
        for (const [name, writing] of sorted()) yield await finish(name, writing);
      } finally {
        for (const { file, writer } of writings.values()) {
          await writer.close?.();
          await file.discard();
        }
      }
    },
  });
}
