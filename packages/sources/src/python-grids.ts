// Finds the grids of tokens in .pt files of the Python scripts, and of sink/features with `format: pt`.

import { basename } from 'node:path';
import { elementCount, InputError, lineage, tensor, type Geometry, type Tensor } from '@deepearth/core';
import { isKind, type PyValue } from '@deepearth/formats/python-values';
import { valueAt, type Pt } from '@deepearth/formats/pt';
import type { PtTensor } from '@deepearth/formats';
import type { StoredFrame, StoredGrid } from './stored-grid.ts';

const picture = ['time', 'height', 'width', 'channels'];
/** What the image extractor repeated each picture to, and the steps of time that the encoder made of it. */
const still = { frames: 16, steps: 8 };

/**
 * The grids of a file: one of a clip (`features`, `model_info`, `metadata`), or one for each picture of a chunk
 * (`{ path: { features, metadata } }`); none of a file that holds an embedding or a projection. `firstIndex` is the number
 * of the first picture, which orders those of a chunk behind the chunks before it. Throws an `InputError` for other files.
 */
export function pythonGrids({ source, value }: Pt, sequence: string, firstIndex: number): readonly StoredGrid[] {
  const refuse = (why: string): never => {
    throw new InputError(source.name, `holds no tokens of the extractor: ${why}.`, { code: 'E_TOKEN_FILE' });
  };
  if (!(value instanceof Map)) return refuse('its content is no dict');
  if (value.has('projection')) return [];
  if (value.has('features')) {
    const grid = gridOf(value, refuse);
    return grid ? [{ ...grid, name: '', ...clipOf(value, sequence) }] : [];
  }
  const entries = [...value].filter(([, entry]) => entry instanceof Map && entry.has('features'));
  if (entries.length === 0 || entries.length < value.size) return refuse('it has no "features"');
  return entries.map(([path, entry], at) => {
    const grid = gridOf(entry as Map<PyValue, PyValue>, refuse);
    if (!grid) return refuse(`${String(path)} has no grid`);
    const index = firstIndex + at;
    const frame: StoredFrame = { number: index, locator: { source: 'source/frames', uri: String(path) } };
    const frames = Array.from({ length: still.frames }, () => frame);
    return { ...grid, name: String(path), clip: { sequence, index, padded: still.frames - 1, frames } };
  });
}

type Refuse = (why: string) => never;

/** Shape, encoder and values of one dict; `undefined` for an embedding, which has vectors and no grid. */
function gridOf(value: Map<PyValue, PyValue>, refuse: Refuse): Omit<StoredGrid, 'name'> | undefined {
  const stored = value.get('features')!;
  if (!isKind(stored, 'tensor') || (stored.dtype !== 'float32' && stored.dtype !== 'float16'))
    return refuse('its "features" are no tensor of float32 or float16');
  const features = stored as PtTensor<'float32' | 'float16'>;
  if (features.shape.length !== 2 || value.has('axes') !== value.has('grid_shape')) {
    if (value.has('axes') && !value.has('grid_shape')) return undefined;
    return refuse(`its features are of shape [${features.shape.join(', ')}], expected [tokens, channels]`);
  }
  const [tokens, channels] = features.shape as [number, number];
  const axes = (value.get('axes') as string[] | undefined) ?? picture;
  const shape = (value.get('grid_shape') as number[] | undefined) ?? [...steps(value, tokens, refuse), channels];
  if (axes.length !== shape.length || elementCount(shape) !== tokens * channels)
    return refuse(`its grid [${shape.join(', ')}] does not fit ${tokens} tokens of ${channels} channels`);
  const name = text(valueAt(value, 'model_info', 'model_name')) ?? text(valueAt(value, 'metadata', 'model'));
  const geometry = valueAt(value, 'metadata', 'geometry');
  const [valid, globals] = [value.get('valid'), value.get('globals')];
  return {
    axes,
    shape,
    dtype: features.dtype,
    ...(geometry instanceof Map && {
      origin: { kind: 'picture', geometry: Object.fromEntries(geometry) as unknown as Geometry },
    }),
    // Weights of the old files are known by name only.
    encoder: { name: name ?? 'unknown', fingerprint: lineage('python extractor', name ?? null) },
    async read(signal) {
      const { data } = await features.read(signal);
      return {
        values: tensor(features.dtype, shape, data) as Tensor<'float32' | 'float16'>,
        ...(isKind(valid, 'tensor') && { valid: (await valid.read(signal)).data as Uint8Array }),
        ...(isKind(globals, 'tensor') && {
          globals: {
            names: value.get('global_names') as string[],
            axes: value.get('global_axes') as string[],
            values: (await globals.read(signal)) as Tensor<'float32'>,
          },
        }),
      };
    },
  };
}

/** Time, height and width of the tokens; where the file does not say, 8 steps of a square, or a square alone. */
function steps(value: PyValue, tokens: number, refuse: Refuse): [number, number, number] {
  const said = valueAt(value, 'model_info', 'num_output_temporal');
  const edge = valueAt(value, 'model_info', 'spatial_grid_size');
  const items = isKind(edge, 'tuple') ? edge.items : Array.isArray(edge) ? edge : [edge, edge];
  if (typeof said === 'number' && typeof items[0] === 'number' && typeof items[1] === 'number')
    return [said, items[0], items[1]];
  for (const time of typeof said === 'number' ? [said] : [still.steps, 1]) {
    const square = Math.sqrt(tokens / time);
    if (Number.isInteger(square)) return [time, square, square];
  }
  return refuse(`it does not say what grid its ${tokens} tokens make`);
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The frames that `metadata` names, by path where the file has paths, else by name. */
function clipOf(value: PyValue, sequence: string): Pick<StoredGrid, 'clip'> {
  const about = (name: string): PyValue | undefined => valueAt(value, 'metadata', name);
  const numbers = about('frame_numbers');
  const [paths, files] = [about('frame_paths'), about('frame_files')];
  if (!Array.isArray(numbers) || numbers.length === 0) return {};
  const frames = numbers.map((number, at): StoredFrame => {
    const path = (Array.isArray(paths) && text(paths[at])) || (Array.isArray(files) && text(files[at]));
    const uri = path || basename(`frame_${String(number)}`);
    return { number: Number(number), locator: { source: 'source/frames', uri } };
  });
  const index = about('window_idx');
  const padded = about('padded_frames');
  return {
    clip: { sequence, index: Number(index ?? 0), padded: typeof padded === 'number' ? padded : 0, frames },
  };
}
