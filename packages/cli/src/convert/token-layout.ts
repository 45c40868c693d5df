// Tokens keep their layout when their file changes its format: what a .pt file of the extractor says in its dicts, a
// token file of safetensors says in its header.

import { InputError } from '@deepearth/core/errors';
import { lineage } from '@deepearth/core/lineage';
import type { Json } from '@deepearth/core/items';
import type { ByteSource } from '@deepearth/formats/bytes';
import { flattened, type TensorContent, type TensorFormat } from '@deepearth/formats/convert';
import { scaleShape } from '@deepearth/formats/int8';
import { scaleName } from '@deepearth/formats/scale';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { plainJson } from '@deepearth/formats/plain-json';
import type { PtWritable } from '@deepearth/formats/pt-pickle-writer';
import { isKind, type PyValue } from '@deepearth/formats/python-values';
import { openTokenFile, tokenFileKeys, type StoredClip } from '@deepearth/formats/token-file';
import { tokensForPython } from '@deepearth/sinks/python-layout';
import { pythonGrids } from '@deepearth/sources/python-grids';
import type { StoredGrid } from '@deepearth/sources/stored-grid';

/** Content under another layout, and what is to be said of it. */
export interface LaidOut {
  readonly content: TensorContent;
  readonly remarks: readonly string[];
}

type Dict = ReadonlyMap<PyValue, PyValue>;

/** The content of a file as the format it goes to keeps tokens; as it is where it holds none. */
export async function withTokenLayout(
  content: TensorContent,
  source: ByteSource,
  to: TensorFormat,
  signal?: AbortSignal,
): Promise<LaidOut> {
  if (to === 'pt' && content.metadata.has('deepearth.tokens'))
    return { content: await forPython(content, source, signal), remarks: [] };
  if (to === 'safetensors' && content.value instanceof Map && content.metadata.size === 0)
    return forTokenFile(content, source);
  return { content, remarks: [] };
}

/** A token file as the dict that the Python extractor wrote. */
async function forPython(content: TensorContent, source: ByteSource, signal?: AbortSignal): Promise<TensorContent> {
  const { readSides, ...tokens } = await openTokenFile(source, signal);
  const tensors = content.value as ReadonlyMap<string, LazyTensor>;
  const features = tensors.get('features')!;
  const own = [...content.metadata]
    .filter(([name]) => !tokenFileKeys.has(name))
    .map(([name, text]) => [name, valueOf(text)] as const);
  const dict = tokensForPython(
    { ...tokens, ...(await readSides(signal)) },
    { tensor: features, scale: tensors.get(scaleName('features')) },
    Object.fromEntries(own),
  );
  return { value: dict, metadata: new Map() };
}

/** What `sink/features` wrote of an entry of the user's own: texts as they are, everything else as JSON. */
function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Entries of `metadata` that a token file says in its own words, or that follow from its clip. */
const said = new Set(['key', 'axes', 'grid_shape', 'origin', 'geometry', 'clip']);
const followsFromClip = new Set([
  'window_idx',
  'start_frame',
  'end_frame',
  'frame_numbers',
  'frame_files',
  'num_input_frames',
  'num_output_temporal',
  'temporal_mapping',
  'model',
  'frame_paths',
  'padded_frames',
]);

/** A dict of the Python extractor as a token file. */
function forTokenFile(content: TensorContent, source: ByteSource): LaidOut {
  const grids = gridsIn(content, source);
  const [grid] = grids;
  if (!grid) return { content, remarks: [] };
  if (grids.length > 1 || grid.name !== '')
    return {
      content,
      remarks: [
        `its ${grids.length} grids become plain tensors: a token file of .safetensors holds one, and source/features reads none of this.`,
      ],
    };
  const dict = content.value as Dict;
  // A dict that merely has a tensor of that name.
  if (!['model_info', 'metadata', 'axes'].some((name) => dict.has(name))) return { content, remarks: [] };
  const { axes, shape, encoder, clip: frames } = grid;
  const clip = frames?.key === undefined ? undefined : (frames as StoredClip);
  const metadata = dict.get('metadata');
  const about: Dict = metadata instanceof Map ? metadata : new Map();
  const text = (name: string): string | undefined => {
    const found = about.get(name);
    return typeof found === 'string' ? found : undefined;
  };
  const rest = [...about].filter(
    (entry): entry is [string, PyValue] =>
      typeof entry[0] === 'string' && !said.has(entry[0]) && !(clip && followsFromClip.has(entry[0])),
  );
  const tensors = new Map<string, LazyTensor>();
  const put = (name: string, size: readonly number[]): void => {
    const found = dict.get(name);
    if (isKind(found, 'tensor')) tensors.set(name, { ...found, shape: size });
  };
  put('features', shape);
  const scale = dict.get(scaleName('features'));
  if (isKind(scale, 'tensor')) put(scaleName('features'), scale.shape.length ? scaleShape(shape) : []);
  put('valid', shape.slice(0, -1));
  const globals = dict.get('globals');
  if (isKind(globals, 'tensor')) tensors.set('globals', globals);
  const texts = Object.entries({
    'deepearth.tokens': '2',
    id: clip?.id ?? text('key') ?? 'tokens',
    key: text('key') ?? lineage('converted tokens', plainJson(metadata as PtWritable)),
    axes: JSON.stringify(axes),
    ...(isKind(globals, 'tensor') && {
      globals: `{"names":${plainJson(dict.get('global_names') as PtWritable)},"axes":${plainJson(dict.get('global_axes') as PtWritable)}}`,
    }),
    ...(clip && { clip: JSON.stringify(clip) }),
    origin: text('origin') ?? JSON.stringify(grid.origin ?? { kind: 'unknown' }),
    encoder: JSON.stringify(encoder),
  });
  const own = rest
    .filter(([name]) => !tokenFileKeys.has(name))
    .map(([name, value]) => [name, typeof value === 'string' ? value : plainJson(value as PtWritable)] as const);
  return {
    content: { value: tensors, metadata: new Map([...own, ...texts]) },
    remarks: clip
      ? []
      : [
          'the file does not keep its frames whole, so the result names no clip; pictures over frames are drawn from the .pt file.',
        ],
  };
}

/** The grids of a .pt file; none where it holds something else. */
function gridsIn(content: TensorContent, source: ByteSource): readonly StoredGrid[] {
  if (flattened(content.value).tensors.size === 0) return [];
  try {
    return pythonGrids({ source, value: content.value as PyValue, format: 'zip' }, 'frames', 0);
  } catch (error) {
    if (error instanceof InputError && error.code === 'E_TOKEN_FILE') return [];
    throw error;
  }
}
