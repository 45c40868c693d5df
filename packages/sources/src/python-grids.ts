// Finds the grids of tokens in .pt files of the Python scripts, and of sink/features with `format: pt`.

import {
  elementCount,
  InputError,
  lineage,
  tensor,
  type GlobalTokens,
  type Origin,
  type Tensor,
} from '@deepearth/core';
import type { PtTensor } from '@deepearth/formats';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { is, listOf, positive, record, said, text, type Shape } from '@deepearth/formats/plain-shapes';
import type { Pt } from '@deepearth/formats/pt';
import { isKind, type PyValue } from '@deepearth/formats/python-values';
import { scaleName, withScale } from '@deepearth/formats/scale';
import { sharesOf } from '@deepearth/formats/shares';
import { geometryShape } from '@deepearth/formats/stored-clip';
import { pythonClip, type Check } from './python-clip.ts';
import { plainOf } from './python-plain.ts';
import type { StoredFrame, StoredGrid } from './stored-grid.ts';

type Dict = ReadonlyMap<PyValue, PyValue>;

/** What the image extractor repeated each picture to, and the steps of time that the encoder made of it. */
const still = { frames: 16, steps: 8 };

/**
 * The grids of a file: one of a clip (`features`, `model_info`, `metadata`) or of a tensor alone, or one for each
 * picture of a chunk (`{ path: { features, metadata } }`); none of a file that holds an embedding or a projection.
 * `firstIndex` is the number of the first picture, which orders those of a chunk behind the chunks before it. Throws an
 * `InputError` that names the field for what is no such file.
 */
export function pythonGrids({ source, value }: Pt, sequence: string, firstIndex: number): readonly StoredGrid[] {
  const refuse = (why: string): never => {
    throw new InputError(source.name, `holds no tokens of the extractor: ${why}.`, { code: 'E_TOKEN_FILE' });
  };
  const reading = (of = ''): Reading => {
    const fail = (why: string): never => refuse(`${of}${why}`);
    return {
      refuse: fail,
      check: <T>(found: unknown, shape: Shape, path: string): T => {
        const problem = shape(found, path);
        return problem === undefined ? (found as T) : fail(problem);
      },
    };
  };
  const content: Dict | PyValue = isKind(value, 'tensor') ? new Map<PyValue, PyValue>([['features', value]]) : value;
  if (!(content instanceof Map)) return refuse('its content is no dict and no tensor');
  if (content.has('projection')) return [];
  if (content.has('features')) {
    if (content.has('axes') && !content.has('grid_shape')) return []; // an embedding has vectors and no grid
    const clip = pythonClip(plainOf(content.get('metadata')), sequence, reading().check);
    return [{ ...gridOf(content, layoutOf(content, reading()), reading()), name: '', ...(clip && { clip }) }];
  }
  const entries = [...content];
  if (entries.length === 0 || !entries.every(([, entry]) => entry instanceof Map && entry.has('features')))
    return refuse('it has no "features"');
  const layouts = entries.map(([path, entry]) => layoutOf(entry as Dict, reading(`${said(path)}: `)));
  // Pictures of one file are of one kind: where one of them is no square, none of them is taken for one.
  const lists = layouts.some(({ guessed, axes }) => guessed && axes.length === 2);
  return entries.map(([path, entry], at) => {
    if (typeof path !== 'string') return refuse(`a picture is called ${said(path)}, expected its path`);
    const index = firstIndex + at;
    const frame: StoredFrame = { number: index, locator: { source: 'source/frames', uri: path } };
    const frames = Array.from({ length: still.frames }, () => frame);
    const layout = layouts[at]!;
    const own = lists && layout.guessed ? listLayout(layout.features) : layout;
    return {
      ...gridOf(entry as Dict, own, reading(`${said(path)}: `)),
      name: path,
      clip: { sequence, index, padded: still.frames - 1, frames },
    };
  });
}

/** Refuses a file, and what a field of it holds. */
interface Reading {
  refuse(why: string): never;
  readonly check: Check;
}

type Features = LazyTensor<'float32' | 'float16'>;

/** The axes of a dict's tokens. */
interface Layout {
  readonly features: Features;
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  /** True where the file says nothing of its axes. */
  readonly guessed?: boolean;
}

const listLayout = (features: Features): Layout => ({
  features,
  axes: ['token', 'channels'],
  shape: features.shape,
  guessed: true,
});

function layoutOf(value: Dict, { refuse, check }: Reading): Layout {
  const stored = value.get('features');
  if (isKind(stored, 'unread')) return refuse(`features is ${stored.what}, which is not read`);
  if (!isKind(stored, 'tensor')) return refuse(`features is ${said(stored)}, expected a tensor`);
  const features = withScale(stored, optionalTensor(value, scaleName('features'), refuse), 'features');
  const { dtype, shape } = features;
  if ((dtype !== 'float32' && dtype !== 'float16') || shape.length !== 2)
    return refuse(
      `features is ${dtype} of shape [${shape.join(', ')}], expected float32 or float16 of [tokens, channels]`,
    );
  const [tokens, channels] = shape as [number, number];
  if (tokens === 0 || channels === 0) return refuse(`features is empty, its shape is [${shape.join(', ')}]`);
  const layout =
    value.has('axes') || value.has('grid_shape')
      ? saidLayout(value, check)
      : pictureLayout(value, tokens, channels, check);
  const { axes, shape: grid } = layout ?? listLayout(features as Features);
  if (
    !grid.every((size) => Number.isInteger(size)) ||
    axes.length !== grid.length ||
    axes.at(-1) !== 'channels' ||
    grid.at(-1) !== channels ||
    elementCount(grid) !== tokens * channels
  )
    return refuse(
      `the grid ${axes.map((axis, at) => `${axis} ${grid[at] ?? '?'}`).join(', ')} does not fit ${tokens} tokens of ${channels} channels`,
    );
  return { features: features as Features, axes, shape: grid, guessed: layout?.guessed ?? layout === undefined };
}

/** What `axes` and `grid_shape` say. */
function saidLayout(value: Dict, check: Check): Pick<Layout, 'axes' | 'shape' | 'guessed'> {
  const distinct: Shape = (found, path) =>
    listOf(text)(found, path) ??
    is('names that differ', (names) => new Set(names as []).size === (names as []).length)(found, path);
  return {
    axes: check(plainOf(value.get('axes')), distinct, 'axes'),
    shape: check(plainOf(value.get('grid_shape')), listOf(positive), 'grid_shape'),
    guessed: false,
  };
}

const edges: Shape = (value, path) => (Array.isArray(value) ? listOf(positive, 2)(value, path) : positive(value, path));

/**
 * Time, height and width of the tokens as `model_info` says them; where it does not, 8 steps of a square, or a square
 * alone; `undefined` where there is none.
 */
function pictureLayout(
  value: Dict,
  tokens: number,
  channels: number,
  check: Check,
): Pick<Layout, 'axes' | 'shape' | 'guessed'> | undefined {
  const { num_output_temporal: time, spatial_grid_size: edge } = check<{
    readonly num_output_temporal?: number;
    readonly spatial_grid_size?: number | readonly [number, number];
  }>(
    plainOf(value.get('model_info')) ?? {},
    record({}, { num_output_temporal: positive, spatial_grid_size: edges }),
    'model_info',
  );
  const axes = ['time', 'height', 'width', 'channels'];
  if (edge !== undefined) {
    const [height, width] = typeof edge === 'number' ? [edge, edge] : edge;
    return { axes, shape: [time ?? tokens / (height * width), height, width, channels], guessed: false };
  }
  for (const steps of time === undefined ? [still.steps, 1] : [time]) {
    const square = Math.sqrt(tokens / steps);
    // A time that was said and fits no square does not fit.
    if (Number.isInteger(square) || time !== undefined)
      return { axes, shape: [steps, square, square, channels], guessed: time === undefined };
  }
  return undefined;
}

/** Encoder, origin and values of one dict. */
function gridOf(
  value: Dict,
  { features, axes, shape, guessed }: Layout,
  { refuse, check }: Reading,
): Omit<StoredGrid, 'name'> {
  const tokens = elementCount(shape.slice(0, -1));
  const { model_name } = check<{ readonly model_name?: string }>(
    plainOf(value.get('model_info')) ?? {},
    record({}, { model_name: text }),
    'model_info',
  );
  const { model, geometry } = check<{ readonly model?: string; readonly geometry?: Origin['geometry'] }>(
    plainOf(value.get('metadata')) ?? {},
    record({}, { model: text, geometry: geometryShape }),
    'metadata',
  );
  const name = model_name ?? model;
  const valid = optionalTensor(value, 'valid', refuse);
  if (valid && (!/^(bool|uint8)$/.test(valid.dtype) || elementCount(valid.shape) !== tokens))
    return refuse(`valid is ${valid.dtype} of shape [${valid.shape.join(', ')}], expected uint8 of [${tokens}]`);
  const globals = globalsOf(value, shape.at(-1)!, { refuse, check });
  return {
    axes,
    shape,
    dtype: features.dtype,
    ...(guessed && { guessed }),
    ...(geometry !== undefined && { origin: { kind: 'picture', geometry } }),
    // Weights of the old files are known by name only.
    encoder: { name: name ?? 'unknown', fingerprint: lineage('python extractor', name ?? null) },
    async read(signal) {
      const { data } = await features.read(signal);
      return {
        values: tensor(features.dtype, shape, data) as Tensor<'float32' | 'float16'>,
        ...(valid && { valid: sharesOf((await valid.read(signal)) as Tensor<'bool' | 'uint8'>) }),
        ...(globals && {
          globals: { ...globals.about, values: (await globals.values.read(signal)) as Tensor<'float32'> },
        }),
      };
    },
  };
}

function globalsOf(
  value: Dict,
  channels: number,
  { refuse, check }: Reading,
): { readonly values: PtTensor; readonly about: Omit<GlobalTokens, 'values'> } | undefined {
  const values = optionalTensor(value, 'globals', refuse);
  if (!values) return undefined;
  const names = check<string[]>(plainOf(value.get('global_names')), listOf(text), 'global_names');
  const axes = check<string[]>(plainOf(value.get('global_axes')), listOf(text, values.shape.length), 'global_axes');
  if (values.dtype !== 'float32' || values.shape.slice(-2).join() !== [names.length, channels].join())
    return refuse(
      `globals is ${values.dtype} of shape [${values.shape.join(', ')}], expected float32 of [${names.length}, ${channels}]`,
    );
  return { values, about: { names, axes } };
}

function optionalTensor(value: Dict, field: string, refuse: Reading['refuse']): PtTensor | undefined {
  const found = value.get(field) ?? undefined;
  if (isKind(found, 'unread')) return refuse(`${field} is ${found.what}, which is not read`);
  return found === undefined || isKind(found, 'tensor')
    ? found
    : refuse(`${field} is ${said(found)}, expected a tensor`);
}
