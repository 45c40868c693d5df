// Token grids in safetensors files: everything that is needed to go on from them without the encoder.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity, FrameRecord, Geometry, GlobalTokens, Origin, TokenGrid } from '@deepearth/core/items';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { ByteSource } from './bytes.ts';
import { listOf, record, text as isText, type Shape } from './plain-shapes.ts';
import { openSafetensors } from './safetensors.ts';
import { scaleName, withScale } from './scale.ts';
import { sharesOf } from './shares.ts';
import { clipShape, firstClipShape, geometryShape, storedClip, type StoredClip } from './stored-clip.ts';

export { storedClip, type StoredClip };

/** Counts up when the layout changes in a way that older readers would get wrong. */
const version = '2';

/** What the metadata of a token file says under names of its own; other names are the user's. */
export const tokenFileKeys: ReadonlySet<string> = new Set([
  'deepearth.tokens',
  'id',
  'key',
  'axes',
  'globals',
  'clip',
  'origin',
  'geometry',
  'encoder',
]);

/** A token grid as it was read back. */
export interface StoredTokens extends Omit<TokenGrid, 'clip'> {
  readonly clip?: StoredClip;
}

/** A token file whose header has been read. */
export interface TokenFile extends Omit<StoredTokens, 'values' | 'valid' | 'globals'> {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float16';
  /** Reads the mask and the global tokens alone. Throws an `InputError` where they do not fit the values. */
  readSides(signal?: AbortSignal): Promise<Pick<StoredTokens, 'valid' | 'globals'>>;
  /**
   * Reads the values; those in eight bits (`features.scale` beside them) as the float32 that they stand for. Throws an
   * `InputError` where the mask or the global tokens do not fit them.
   */
  read(signal?: AbortSignal): Promise<Pick<StoredTokens, 'values' | 'valid' | 'globals'>>;
}

/**
 * The tensors and the metadata of a token file: `features` with the axes of the grid, where some tokens saw less than
 * whole pixels `valid` (uint8, without the last axis), and where there are any `globals`.
 */
export function describeTokenFile(tokens: TokenGrid): {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
} {
  const { id, key, values, axes, valid, globals, origin, clip, encoder } = tokens;
  return {
    tensors: {
      features: values,
      ...(valid && { valid: tensor('uint8', values.shape.slice(0, -1), valid) }),
      ...(globals && { globals: globals.values }),
    },
    metadata: {
      'deepearth.tokens': version,
      id,
      key,
      axes: JSON.stringify(axes),
      ...(globals && { globals: JSON.stringify({ names: globals.names, axes: globals.axes }) }),
      ...(clip && { clip: JSON.stringify(storedClip(clip)) }),
      origin: JSON.stringify(origin),
      encoder: JSON.stringify({ name: encoder.name, fingerprint: encoder.fingerprint }),
    },
  };
}

/** What a token file holds. Throws as `openTokenFile` does, and as its `read`. */
export async function readTokenFile(source: ByteSource, signal?: AbortSignal): Promise<StoredTokens> {
  const { shape: _, dtype: __, read, readSides: ___, ...about } = await openTokenFile(source, signal);
  return { ...about, ...(await read(signal)) };
}

/**
 * Reads the header of a token file, also of the first layout (which says less of its frames). Throws an `InputError`
 * when it is a safetensors file of another kind, or when what it says of itself does not hold.
 */
export async function openTokenFile(source: ByteSource, signal?: AbortSignal): Promise<TokenFile> {
  const file = await openSafetensors(source, signal);
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(source.name, `is no token file: ${message}.`, { code: 'E_TOKEN_FILE', cause });
  };
  const found = file.metadata.get('deepearth.tokens');
  if (found !== version && found !== '1')
    refuse(`its metadata says ${JSON.stringify(found ?? null)} for "deepearth.tokens", expected "${version}"`);
  const text = (name: string): string =>
    file.metadata.get(name) ?? refuse(`its metadata has no ${JSON.stringify(name)}`);
  const json = <T>(name: string, shape: Shape): T => {
    const value = text(name);
    let parsed: unknown;
    try {
      parsed = JSON.parse(value);
    } catch (cause) {
      return refuse(`the metadata value of ${JSON.stringify(name)} is no JSON`, cause);
    }
    const problem = shape(parsed, name);
    return problem === undefined ? (parsed as T) : refuse(problem);
  };
  const stored = file.find('features') ?? refuse('it has no tensor "features"');
  const features = withScale(stored, file.find(scaleName('features')), source.name);
  const { dtype, shape } = features;
  if ((dtype !== 'float32' && dtype !== 'float16') || shape.length < 2)
    return refuse(`its features are ${dtype} of shape [${shape.join(', ')}]`);
  const axes = json<string[]>('axes', listOf(isText));
  if (axes.length !== shape.length)
    refuse(`its axes ${text('axes')} do not fit features of shape [${shape.join(', ')}]`);
  const encoder = json<EncoderIdentity>('encoder', record({ name: isText, fingerprint: isText }));
  const first = found === '1';
  const clip = file.metadata.has('clip') ? json<StoredClip>('clip', first ? firstClipShape : clipShape) : undefined;
  const origin: Origin = first
    ? { kind: 'picture', geometry: json<Geometry>('geometry', geometryShape) }
    : json('origin', originShape);
  return {
    kind: 'tokens',
    id: text('id'),
    key: text('key'),
    shape,
    dtype,
    axes,
    origin,
    ...(clip && { clip: first ? upgraded(clip, origin as unknown as { geometry: Geometry }) : clip }),
    encoder,
    read: async (stop) => ({
      values: (await features.read(stop)) as Tensor<'float32' | 'float16'>,
      ...(await readSides(stop)),
    }),
    readSides,
  };

  async function readSides(stop?: AbortSignal): Promise<Pick<StoredTokens, 'valid' | 'globals'>> {
    const mask = file.find('valid') ? await file.tensor('valid', stop) : undefined;
    if (mask && (!/^(bool|uint8)$/.test(mask.dtype) || mask.shape.join() !== shape.slice(0, -1).join()))
      refuse(`its mask is ${mask.dtype} of shape [${mask.shape.join(', ')}]`);
    const globals = file.find('globals') ? await file.tensor('globals', stop) : undefined;
    const about = globals && json<Omit<GlobalTokens, 'values'>>('globals', globalsShape);
    const fits =
      about?.axes.length === globals?.shape.length &&
      globals?.dtype === 'float32' &&
      globals.shape.slice(-2).join() === [about?.names.length, shape.at(-1)].join();
    if (globals && !fits) refuse(`its globals are ${globals.dtype} of shape [${globals.shape.join(', ')}]`);
    return {
      ...(mask && { valid: sharesOf(mask as Tensor<'bool' | 'uint8'>) }),
      ...(globals && { globals: { ...about!, values: globals as Tensor<'float32'> } }),
    };
  }
}

const globalsShape = record({ names: listOf(isText), axes: listOf(isText) });

/** An origin is plain data of its kind; that of pictures has a geometry. */
const originShape: Shape = (value, path) =>
  record({ kind: isText })(value, path) ??
  ((value as Origin).kind === 'picture' ? record({ geometry: geometryShape })(value, path) : undefined);

/** What the first layout said of a clip, in the words of this one; where a frame came from was only for people. */
function upgraded(clip: StoredClip, { geometry }: { readonly geometry: Geometry }): StoredClip {
  const frames = clip.frames as readonly (FrameRecord & { readonly origin?: string })[];
  return {
    ...clip,
    kind: 'clip',
    sequence: 'frames',
    frames: frames.map(({ origin = '', number, key, seconds }) => ({
      kind: 'frame',
      id: `frame-${String(number).padStart(6, '0')}`,
      key,
      sequence: 'frames',
      number,
      ...(seconds !== undefined && { seconds }),
      width: geometry?.frameWidth,
      height: geometry?.frameHeight,
      locator: { source: 'source/frames', uri: origin },
    })),
  };
}
