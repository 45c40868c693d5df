// Token grids that sink/features wrote into .pt files, found by their keys, so that a resumed run can go on from them.

import type { GlobalTokens, Origin, TokenGrid } from '@deepearth/core/items';
import { elementCount, tensor, type Tensor } from '@deepearth/core/tensor';
import type { ByteSource } from './bytes.ts';
import { openPt } from './pt.ts';
import { isKind, type PyValue } from './python-values.ts';
import { sharesOf } from './shares.ts';

type Dict = ReadonlyMap<PyValue, PyValue>;

/** What a .pt file keeps of a grid; the clip and the encoder are those of the run that looks for it. */
export type PythonTokens = Pick<TokenGrid, 'key' | 'values' | 'axes' | 'valid' | 'globals' | 'origin'>;

/**
 * The grid of this key in a file of one grid or of several; `undefined` where there is none that says all that is
 * needed. Throws an `InputError` where the file is no .pt file.
 */
export async function readPythonTokens(
  source: ByteSource,
  key: string,
  signal?: AbortSignal,
): Promise<PythonTokens | undefined> {
  const { value } = await openPt(source, signal);
  const found = [value, ...(value instanceof Map ? value.values() : [])].find(
    (entry): entry is Map<PyValue, PyValue> => entry instanceof Map && metadataOf(entry)?.get('key') === key,
  );
  const features = found?.get('features');
  if (!found || !isKind(features, 'tensor')) return undefined;
  const { dtype } = features;
  const metadata = metadataOf(found)!;
  const [axes, shape, origin] = ['axes', 'grid_shape', 'origin'].map((name) => jsonOf(metadata.get(name))) as [
    readonly string[] | undefined,
    readonly number[] | undefined,
    Origin | undefined,
  ];
  if (!axes || !shape || !origin || (dtype !== 'float32' && dtype !== 'float16')) return undefined;
  if (elementCount(shape) !== elementCount(features.shape) || axes.length !== shape.length) return undefined;
  const [valid, globals] = [found.get('valid'), found.get('globals')];
  const { data } = await features.read(signal);
  return {
    key,
    axes,
    origin,
    values: tensor(dtype, shape, data) as Tensor<'float32' | 'float16'>,
    ...(isKind(valid, 'tensor') && { valid: sharesOf((await valid.read(signal)) as Tensor<'uint8'>) }),
    ...(isKind(globals, 'tensor') && {
      globals: {
        names: found.get('global_names') as string[],
        axes: found.get('global_axes') as string[],
        values: (await globals.read(signal)) as GlobalTokens['values'],
      },
    }),
  };
}

/** What `readPythonTokens` needs in the metadata of a grid. */
export const pythonTokensMetadata = (
  { key, axes, origin }: Pick<TokenGrid, 'key' | 'axes' | 'origin'>,
  shape: readonly number[],
): Record<string, string> => ({
  key,
  axes: JSON.stringify(axes),
  grid_shape: JSON.stringify(shape),
  origin: JSON.stringify(origin),
});

const metadataOf = (entry: Dict): Dict | undefined => {
  const metadata = entry.get('metadata');
  return metadata instanceof Map ? metadata : undefined;
};

function jsonOf(value: PyValue | undefined): unknown {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
