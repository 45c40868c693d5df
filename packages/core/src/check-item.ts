// Checks an item against what its stage described.

import { DeepEarthError, InputError, stageErrorOf } from './errors.ts';
import type {
  Artifact,
  Clip,
  Embedding,
  Frame,
  Item,
  Picture,
  Projection,
  Raster,
  ReadOptions,
  TokenGrid,
} from './items.ts';
import { formatSpec, type StreamSpec } from './specs.ts';
import type { StageDefinition } from './stage.ts';
import type { Tensor } from './tensor.ts';

/**
 * Throws a `DeepEarthError` that names the stage, and the plugin it came from, unless the item is of the kind, axes,
 * sizes and element type that were described, and one of a plugin has what others need of it. Looks at sizes alone,
 * never at values.
 */
export function checkItem(item: unknown, described: StreamSpec, stage: Pick<StageDefinition, 'type' | 'plugin'>): void {
  const wrong = differs(item, described) ?? (stage.plugin === undefined ? undefined : lacks(item as Item));
  if (wrong !== undefined) throw notAsDescribed(wrong, described, stage);
}

function notAsDescribed(
  wrong: string,
  described: StreamSpec,
  stage: Pick<StageDefinition, 'type' | 'plugin'>,
): DeepEarthError {
  const who = stage.plugin === undefined ? stage.type : `${stage.type} of the plugin ${stage.plugin}`;
  const { count: _, ...one } = described;
  return new DeepEarthError(
    `${who} sent ${wrong}, and described ${formatSpec({ ...one, count: null }).replace(/ x \?$/, '')}.`,
    {
      code: 'E_NOT_AS_DESCRIBED',
      remedy: 'Make `describe` of that stage and what its body sends agree.',
    },
  );
}

/**
 * A frame of a plugin's stage, whose `read` is checked once and fails in the name of that stage: it is called by
 * others.
 */
export function checkedFrame(
  frame: Frame,
  id: string,
  described: StreamSpec,
  stage: Pick<StageDefinition, 'type' | 'plugin'>,
  once: { read: boolean },
): Frame {
  // A frame that is more than data cannot be copied.
  if (Object.getPrototypeOf(frame) !== Object.prototype) return frame;
  return {
    ...frame,
    async read(options = {}) {
      try {
        const raster = await frame.read(options);
        const wrong = once.read ? undefined : rasterDiffers(raster, frame, described, options);
        once.read = true;
        if (wrong !== undefined) throw notAsDescribed(wrong, described, stage);
        return raster;
      } catch (error) {
        // What the contract lets `read` throw is passed on: wrong data, a window outside the frame, an abort.
        if (error instanceof InputError || error instanceof RangeError || options.signal?.aborted) throw error;
        throw stageErrorOf(id, frame.id, error, stage.plugin);
      }
    },
  };
}

function rasterDiffers(
  raster: Raster,
  { id, width, height }: Frame,
  { axes, dtype }: StreamSpec,
  { window, overview = 1 }: ReadOptions,
): string | undefined {
  const values = (raster as Partial<Raster> | undefined)?.values;
  const shape = values?.shape ?? [];
  if (!values || shape.length !== 3) return `pixels that are not [height, width, channels] (${id})`;
  const channels = axes.find(({ name }) => name === 'channels')?.size ?? null;
  const part = window ?? { width, height };
  const same =
    shape[0] === Math.ceil(part.height / overview) &&
    shape[1] === Math.ceil(part.width / overview) &&
    (channels === null || channels === shape[2]) &&
    values.data.length === shape[0]! * shape[1]! * shape[2]! &&
    // An overview may be of means, in another type.
    (dtype === null || overview !== 1 || values.dtype === dtype);
  return same ? undefined : `pixels [${shape.join(', ')}] ${values.dtype} for a frame of ${width} x ${height} (${id})`;
}

/** What items have without which no other stage can use them, by kind. */
const parts: Readonly<Record<string, readonly string[]>> = {
  frame: ['sequence', 'number', 'width', 'height', 'locator', 'read'] satisfies (keyof Frame)[],
  clip: ['sequence', 'index', 'frames', 'padded'] satisfies (keyof Clip)[],
  tokens: ['values', 'axes', 'origin', 'encoder'] satisfies (keyof TokenGrid)[],
  embedding: ['values', 'axes', 'origin', 'encoder'] satisfies (keyof Embedding)[],
  projection: ['values', 'axes', 'origin', 'limits', 'meaning', 'reducer'] satisfies (keyof Projection)[],
  picture: ['pixels', 'frame', 'layer'] satisfies (keyof Picture)[],
  artifact: ['path', 'bytes', 'sha256', 'mediaType'] satisfies (keyof Artifact)[],
};

/** Which parts an item lacks, for people; compilers see to it where a stage is written in TypeScript. */
function lacks(item: Item): string | undefined {
  const missing = (parts[item.kind] ?? []).filter(
    (name) => (item as unknown as Partial<Record<string, unknown>>)[name] === undefined,
  );
  return missing.length ? `an item of the kind ${item.kind} without ${missing.join(', ')} (${item.id})` : undefined;
}

/** What an item is instead, for people; `undefined` where it is as described. */
function differs(item: unknown, { kind, axes, dtype }: StreamSpec): string | undefined {
  if (item === null || typeof item !== 'object') return `${item === null ? 'null' : typeof item} in place of an item`;
  const { kind: own, id, key } = item as Partial<Item>;
  if (typeof own !== 'string' || typeof id !== 'string' || typeof key !== 'string')
    return 'an item without the texts kind, id and key';
  if (own !== kind) return `an item of the kind ${own} (${id})`;
  const size = (name: string): number | null => axes.find((axis) => axis.name === name)?.size ?? null;
  if (kind === 'frame') {
    const { width, height } = item as Frame;
    const other = [['width', width] as const, ['height', height] as const].some(
      ([name, value]) => size(name) !== null && size(name) !== value,
    );
    return other ? `a frame of ${width} x ${height} (${id})` : undefined;
  }
  if (kind === 'clip') {
    const frames = (item as Clip).frames?.length;
    return size('time') !== null && frames !== size('time') ? `a clip of ${frames} frames (${id})` : undefined;
  }
  const { values, pixels, axes: names } = item as { values?: Tensor; pixels?: Tensor; axes?: readonly string[] };
  const tensor = values ?? pixels;
  if (axes.length === 0 || tensor === undefined) return undefined;
  const { shape, data } = tensor;
  const same =
    shape.length === axes.length &&
    axes.every((axis, index) => axis.size === null || axis.size === shape[index]) &&
    (names === undefined || (names.length === axes.length && axes.every(({ name }, index) => names[index] === name))) &&
    (dtype === null || tensor.dtype === dtype);
  if (!same) {
    const listed = shape.map((length, index) => (names?.[index] ? `${names[index]} ${length}` : length)).join(', ');
    return `${kind} [${listed}] ${tensor.dtype} (${id})`;
  }
  const count = shape.reduce((all, length) => all * length, 1);
  return data.length === count ? undefined : `${data.length} values for the shape [${shape.join(', ')}] (${id})`;
}
