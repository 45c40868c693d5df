// Reads tokens that an earlier run wrote, so that everything after the encoder runs without it.

import { join } from 'node:path';
import {
  clipId,
  defineSource,
  frameBytes,
  geometryOf,
  InputError,
  lineage,
  spec,
  type ByteSource,
  type Clip,
  type Frame,
  type Locator,
  type LocatorReader,
  type Origin,
  type Raster,
  type ReadOptions,
  type StageContext,
  type StreamSpec,
  type TokenGrid,
} from '@deepearth/core';
import { createSha256 } from '@deepearth/core/sha256';
import { pixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough } from '@deepearth/vision/read-through';
import { layout } from '@deepearth/vision/geometry';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import { z } from 'zod';
import { gridsOf, listFeatureFiles, withFile, type FeatureFile } from './feature-files.ts';
import { framesOptions } from './frames-options.ts';
import { byName } from './picture-folder.ts';
import { isGone, pictureFinder, reviveFrames } from './stored-frames.ts';
import type { StoredFrame, StoredGrid } from './stored-grid.ts';

/** Options of `source/features`. */
export const featuresOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe(
      'A folder of token files (.safetensors as `sink/features` writes them, .pt also of the Python scripts), with the folders in it, or one such file.',
    ),
  frames: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A folder, with the folders in it, where pictures are looked for by file name. Default: where the token file says they are.',
    ),
  ...framesOptions.pick({ cacheBytes: true, spillBytes: true }).shape,
});

/** Options of `source/features`, with their defaults. */
export type FeaturesOptions = z.output<typeof featuresOptions>;

/** A grid of a file, in the order of the stream; of a file that cannot be read its error. */
export interface FeatureEntry extends FeatureFile {
  readonly grid?: StoredGrid;
  /** The number of its clip in its sequence, where the files' own numbers tell clips apart no longer. */
  readonly index?: number;
  readonly error?: unknown;
}

/** What the headers of the files say. */
export interface FeaturesSurvey {
  readonly entries: readonly FeatureEntry[];
}

/** What the Python scripts did with every frame: `VJEPA2VideoProcessor`, patches of 16 pixels. */
const pythonResize = { shortestEdge: 256, crop: 224 };
const pythonPatch = 16;

/**
 * The stage `source/features`: tokens as they were written, with the frames they were made of, so that overlays can be
 * drawn.
 */
export const features = defineSource({
  type: 'features',
  summary: 'Reads tokens that an earlier run (or the Python scripts) wrote, in place of frames and an encoder.',
  options: featuresOptions,
  reads: ['path'],
  examples: [
    '- type: source/features\n  with: { path: demo-output/features }',
    '- type: source/features\n  with: { path: features_frames_0000_0015.pt, frames: /data/frames }',
  ],

  survey: surveyOf,

  describe: (_, { options, survey }) => ({
    output: survey ? specOf(survey) : { ...spec('tokens', {}, null), sequences: null },
    memoryBytes: cacheBytesFor(options.cacheBytes, survey ? frameBytes(specOf(survey)) : 0),
    ...(survey && { notes: guesses(survey) }),
  }),

  async *process(_, context): AsyncGenerator<TokenGrid> {
    const { options, signal, severalSequences, frameRange } = context;
    const { entries } = context.survey ?? (await surveyOf(options, signal));
    const revive = reviveFrames({
      find: await pictureFinder(options.frames),
      severalSequences,
      signal,
      lost: warnOnce(context),
      read: await readerOf(context),
    });
    for (const guess of guesses({ entries })) context.log.info(guess);
    const positions = new Map<string, number>();
    let done = 0;
    for (const entry of entries) {
      signal.throwIfAborted();
      const sequence = sequenceOf(entry);
      const position = positions.get(sequence) ?? 0;
      positions.set(sequence, position + 1);
      const { first, end } = frameRange(sequence);
      if (position < first || position >= end) continue;
      const tokens = await context.attempt({ id: nameOf(entry) }, () =>
        withFile(entry.path, async (source) => {
          if (entry.error !== undefined) throw entry.error;
          const sha256 = await digestOf(source, signal);
          context.recordInput({ path: entry.path, bytes: source.size, sha256 });
          const grid = (await gridsOf(source, entry, signal)).find(({ name }) => name === entry.grid!.name);
          if (!grid)
            throw new InputError(entry.path, 'has changed since it was first read.', { code: 'E_INPUT_CHANGED' });
          return tokensOf(grid, entry, lineage('stored tokens', sha256, grid.name), revive, context);
        }),
      );
      context.progress('files', ++done, entries.length);
      if (tokens) yield tokens;
    }
  },
});

const sequenceOf = ({ grid, sequence }: FeatureEntry): string => grid?.clip?.sequence ?? sequence;
const nameOf = ({ path, grid }: FeatureEntry): string => (grid?.name ? `${path}#${grid.name}` : path);

async function surveyOf({ path }: FeaturesOptions, signal: AbortSignal): Promise<FeaturesSurvey> {
  const entries: FeatureEntry[] = [];
  for (const file of await listFeatureFiles(path)) {
    signal.throwIfAborted();
    try {
      const grids = await withFile(file.path, (source) => gridsOf(source, file, signal));
      entries.push(...grids.map((grid) => ({ ...file, grid })));
    } catch (error) {
      // One bad file is one item that fails, so that `onError` decides about it.
      if (!(error instanceof InputError)) throw error;
      entries.push({ ...file, error });
    }
  }
  if (entries.length === 0)
    throw new InputError(path, 'holds no tokens, only embeddings or projections.', {
      code: 'E_NO_FEATURES',
      remedy: 'Name the folder with the tokens; `sink/features` calls it "features".',
    });
  return { entries: numbered(inOrder(entries)) };
}

/** By sequence, then by time where all clips have one, else by number. */
function inOrder(entries: readonly FeatureEntry[]): readonly FeatureEntry[] {
  const first = ({ grid }: FeatureEntry): StoredFrame | undefined => grid?.clip?.frames[0];
  const timed = entries.every((entry) => !entry.grid?.clip || first(entry)?.at !== undefined);
  const instant = (entry: FeatureEntry): number => (timed ? Date.parse(first(entry)?.at ?? '') || 0 : 0);
  const number = (entry: FeatureEntry): number => first(entry)?.number ?? 0;
  const index = ({ grid }: FeatureEntry): number => grid?.clip?.index ?? 0;
  return [...entries].sort(
    (a, b) =>
      byName(sequenceOf(a), sequenceOf(b)) ||
      instant(a) - instant(b) ||
      number(a) - number(b) ||
      index(a) - index(b) ||
      byName(a.path, b.path) ||
      byName(nameOf(a), nameOf(b)),
  );
}

/**
 * Numbers the clips of a sequence anew where files of several runs have the same numbers, or none. Throws an
 * `InputError` where two hold the same clip.
 */
function numbered(entries: readonly FeatureEntry[]): readonly FeatureEntry[] {
  const clips = new Map<string, FeatureEntry>();
  const sequences = new Map<string, FeatureEntry[]>();
  for (const entry of entries) {
    const clip = entry.grid?.clip;
    if (!clip) continue;
    const same = lineage(
      clip.sequence,
      clip.frames.map(({ number, locator }) => [number, locator]),
    );
    const other = clips.get(same);
    if (other)
      throw new InputError(nameOf(entry), `holds the same clip as ${nameOf(other)}.`, {
        code: 'E_DUPLICATE_CLIP',
        remedy: 'Name a folder that holds each clip once. Tokens of two encoders take two sources.',
      });
    clips.set(same, entry);
    const members = sequences.get(clip.sequence) ?? [];
    members.push(entry);
    sequences.set(clip.sequence, members);
  }
  const anew = new Map<FeatureEntry, number>();
  for (const members of sequences.values()) {
    const indices = new Set(members.map(({ grid }) => grid!.clip!.index));
    if (indices.size < members.length) members.forEach((entry, index) => anew.set(entry, index));
  }
  return entries.map((entry) => (anew.has(entry) ? { ...entry, index: anew.get(entry)! } : entry));
}

/** Which axes were guessed, by an example. */
function guesses({ entries }: FeaturesSurvey): string[] {
  const guessed = entries.filter(({ grid }) => grid?.guessed);
  const [first] = guessed;
  if (!first) return [];
  const { axes, shape } = first.grid!;
  const others = guessed.length > 1 ? ` and ${guessed.length - 1} more` : '';
  const size = axes.map((axis, at) => `${axis} ${shape[at]}`).join(', ');
  return [`${nameOf(first)}${others}: no axes are named; the tokens are taken for [${size}].`];
}

/** What all grids have in common; `null` for what differs. */
function specOf({ entries }: FeaturesSurvey): StreamSpec {
  const grids = entries.flatMap(({ grid }) => grid ?? []);
  const [first] = grids;
  const sequences = [...new Set(entries.filter(({ grid }) => grid).map(sequenceOf))];
  if (!first) return { ...spec('tokens', {}, null, entries.length), sequences };
  const same = <T>(of: (grid: StoredGrid) => T): T | null =>
    grids.every((grid) => of(grid) === of(first)) ? of(first) : null;
  const axes = same(({ axes }) => axes.join()) === null ? [] : first.axes;
  return {
    ...spec(
      'tokens',
      Object.fromEntries(axes.map((name, at) => [name, same(({ shape }) => shape[at]!)])),
      same(({ dtype }) => dtype),
      entries.length,
    ),
    sequences,
    ...framesOf(entries),
    ...(entries.some((entry, at) => overlaps(entry, entries[at + 1])) && { overlapping: true }),
  };
}

/**
 * Pixels of the frames, where all files say the same, and how many different ones there are; nothing where no file
 * names frames.
 */
function framesOf(entries: readonly FeatureEntry[]): Pick<StreamSpec, 'frames'> {
  const sizes = new Set<string>();
  const numbers = new Set<string>();
  let size: { readonly height: number; readonly width: number } | undefined;
  for (const entry of entries) {
    const { grid } = entry;
    const geometry = grid?.origin && geometryOf({ origin: grid.origin });
    for (const { number, height, width } of grid?.clip?.frames ?? []) {
      numbers.add(`${number} ${sequenceOf(entry)}`);
      size = {
        height: height ?? geometry?.frameHeight ?? 0,
        width: width ?? geometry?.frameWidth ?? 0,
      };
      sizes.add(`${size.height} ${size.width}`);
    }
  }
  if (!size) return {};
  const [known] = sizes.size === 1 && size.height > 0 && size.width > 0 ? [size] : [];
  const named = entries.every(({ grid }) => !grid || grid.clip);
  return {
    frames: { height: known?.height ?? null, width: known?.width ?? null, count: named ? numbers.size : null },
  };
}

/** Whether the clip of a grid holds frames of the one before it in its sequence. */
function overlaps(entry: FeatureEntry, next: FeatureEntry | undefined): boolean {
  if (!next || sequenceOf(entry) !== sequenceOf(next)) return false;
  const last = entry.grid?.clip?.frames.at(-1)?.number ?? -Infinity;
  return (next.grid?.clip?.frames[0]?.number ?? Infinity) <= last;
}

async function tokensOf(
  grid: StoredGrid,
  { path, index }: FeatureEntry,
  key: string,
  revive: ReturnType<typeof reviveFrames>,
  { severalSequences, signal }: StageContext<FeaturesOptions, undefined, FeaturesSurvey>,
): Promise<TokenGrid> {
  const { axes, shape, clip: stored, encoder } = grid;
  const size = (name: string): number => pythonPatch * (shape[axes.indexOf(name)] ?? 1);
  const cropSize = { height: size('height'), width: size('width') };
  const frames: Frame[] = [];
  for (const frame of stored?.frames ?? []) frames.push(await revive(frame, stored!.sequence, path, cropSize));
  const clip: Clip | undefined = stored && {
    kind: 'clip',
    id: clipId(stored.sequence, index ?? stored.index, severalSequences),
    key: stored.key ?? lineage('clip', stored.padded, ...frames.map((frame) => frame.key)),
    sequence: stored.sequence,
    index: index ?? stored.index,
    frames,
    padded: stored.padded,
  };
  return {
    kind: 'tokens',
    id: clip?.id ?? grid.id ?? path,
    // Frames belong to the tokens: the same file over other pictures is another item.
    key: lineage(key, ...frames.map((frame) => frame.key)),
    axes,
    origin: grid.origin ?? (axes.includes('height') ? pythonOrigin(frames[0], cropSize) : { kind: 'unknown' }),
    ...(clip && { clip }),
    encoder,
    ...(await grid.read(signal)),
  };
}

/** The centre crop of the Python scripts, of which their files say nothing. */
function pythonOrigin(frame: Frame | undefined, cropSize: { readonly height: number; readonly width: number }): Origin {
  if (!frame) return { kind: 'unknown' };
  const { width, height } = frame;
  // A frame that was not found has the size of what the encoder saw, and is all of it.
  const lost = frame.locator.sha256 === undefined;
  const { geometry } = layout(width, height, {
    cropSize,
    patchSize: pythonPatch,
    resize: lost ? 'exact' : pythonResize,
  });
  return { kind: 'picture', geometry };
}

/** Reads frames through one cache, because several renderers read the same ones. */
async function readerOf({
  options,
  keep,
  readLater,
  workFolder,
  reopen,
}: StageContext<FeaturesOptions, undefined, FeaturesSurvey>): Promise<LocatorReader> {
  const cache = await keep(
    () =>
      pixelCache({
        memoryBytes: options.cacheBytes,
        diskBytes: options.spillBytes,
        readLater,
        path: async () => join(await workFolder(), 'stored-frames.pixels'),
      }),
    (opened) => opened.close(),
  );
  const read = readThrough(cache);
  const found = async (locator: Locator, part: ReadOptions): Promise<Raster> => {
    try {
      return await reopen(locator, part);
    } catch (cause) {
      throw withRemedy(cause, locator.uri, options.frames);
    }
  };
  return (locator, part) => read(JSON.stringify(locator), (wanted) => found(locator, wanted), part);
}

/** What went wrong with a picture that was stored by name, and that `frames` says where it is now. */
function withRemedy(cause: unknown, uri: string, frames: string | undefined): unknown {
  if (isGone(uri))
    return new InputError(uri, 'there is no such file (any more).', {
      code: 'E_FRAME_UNREADABLE',
      remedy:
        frames === undefined
          ? 'Name the folder where the pictures are now with `frames` of source/features.'
          : `${frames} has no file of that name: name the folder where the pictures are now with \`frames\`.`,
      cause,
    });
  if (!(cause instanceof InputError && cause.code === 'E_INPUT_CHANGED')) return cause;
  return new InputError(uri, 'is not the file that the tokens were made of: its digest is another.', {
    code: 'E_OTHER_FRAME',
    remedy: 'Name the folder where that file is with `frames` of source/features, or make the tokens anew.',
    cause,
  });
}

function warnOnce({ log }: Pick<StageContext, 'log'>): (uri: string) => void {
  let told = false;
  return (uri) => {
    if (!told)
      log.warn(`${uri} is not there, so its frames cannot be drawn; name the folder of the pictures with \`frames\`.`);
    told = true;
  };
}

async function digestOf(file: ByteSource, signal: AbortSignal): Promise<string> {
  const hash = createSha256();
  const piece = new Uint8Array(1 << 20);
  for (let at = 0; at < file.size; at += piece.length)
    hash.update(await file.read(at, Math.min(piece.length, file.size - at), signal, piece));
  return hash.digest('hex');
}
