// Token grids in safetensors files: everything that is needed to go on from them without the encoder.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity, Geometry, TokenGrid } from '@deepearth/core/items';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { ByteSource } from './bytes.ts';
import { openSafetensors } from './safetensors.ts';

const version = '1';

/** What a token file says of one frame of its clip. */
export interface StoredFrame {
  readonly number: number;
  readonly key: string;
  readonly origin: string;
  readonly seconds?: number;
}

/** A token grid as it was read back. The frames are known by number, key and origin only. */
export interface StoredTokens extends Pick<TokenGrid, 'key' | 'values' | 'valid' | 'geometry' | 'encoder'> {
  readonly id: string;
  readonly clip: {
    readonly id: string;
    readonly key: string;
    readonly index: number;
    readonly padded: number;
    readonly frames: readonly StoredFrame[];
  };
}

/**
 * The tensors and the metadata of a token file: `features` `[time, height, width, channels]` and, where some are
 * invalid, `valid` `[time, height, width]`.
 */
export function describeTokenFile({ id, key, values, valid, clip, geometry, encoder }: TokenGrid): {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
} {
  const frames: StoredFrame[] = clip.frames.map((frame) => ({
    number: frame.number,
    key: frame.key,
    origin: frame.origin,
    ...(frame.seconds !== undefined && { seconds: frame.seconds }),
  }));
  return {
    tensors: { features: values, ...(valid && { valid: tensor('bool', values.shape.slice(0, 3), valid) }) },
    metadata: {
      'deepearth.tokens': version,
      id,
      key,
      axes: JSON.stringify(['time', 'height', 'width', 'channels']),
      clip: JSON.stringify({ id: clip.id, key: clip.key, index: clip.index, padded: clip.padded, frames }),
      geometry: JSON.stringify(geometry),
      encoder: JSON.stringify({ name: encoder.name, fingerprint: encoder.fingerprint }),
    },
  };
}

/**
 * Reads a token file. Throws an `InputError` when it is a safetensors file of another kind, or when what it says of
 * itself does not hold.
 */
export async function readTokenFile(source: ByteSource, signal?: AbortSignal): Promise<StoredTokens> {
  const file = await openSafetensors(source, signal);
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(source.name, `is no token file: ${message}.`, { code: 'E_TOKEN_FILE', cause });
  };
  if (file.metadata.get('deepearth.tokens') !== version)
    refuse(
      `its metadata says ${JSON.stringify(file.metadata.get('deepearth.tokens') ?? null)} for "deepearth.tokens", expected "${version}"`,
    );
  const text = (name: string): string =>
    file.metadata.get(name) ?? refuse(`its metadata has no ${JSON.stringify(name)}`);
  const json = <T>(name: string): T => {
    const value = text(name);
    try {
      return JSON.parse(value) as T;
    } catch (cause) {
      return refuse(`the metadata value of ${JSON.stringify(name)} is no JSON`, cause);
    }
  };
  const values = await file.tensor('features', signal);
  if ((values.dtype !== 'float32' && values.dtype !== 'float16') || values.shape.length !== 4)
    refuse(`its features are ${values.dtype} of shape [${values.shape.join(', ')}]`);
  const valid = file.tensors.has('valid') ? await file.tensor('valid', signal) : undefined;
  if (valid && (valid.dtype !== 'bool' || valid.shape.join() !== values.shape.slice(0, 3).join()))
    refuse(`its mask is ${valid.dtype} of shape [${valid.shape.join(', ')}]`);
  const clip = json<StoredTokens['clip']>('clip');
  const geometry = json<Geometry>('geometry');
  const encoder = json<EncoderIdentity>('encoder');
  if (
    !Array.isArray(clip?.frames) ||
    typeof geometry?.frameWidth !== 'number' ||
    typeof encoder?.fingerprint !== 'string'
  )
    refuse('its metadata lacks frames, geometry or encoder');
  return {
    id: text('id'),
    key: text('key'),
    values: values as Tensor<'float32' | 'float16'>,
    ...(valid && { valid: valid.data as Uint8Array }),
    clip,
    geometry,
    encoder,
  };
}
