// Safetensors files that carry a digest of all their other bytes, so that no altered byte goes unseen.

import type { InputError } from '@deepearth/core/errors';
import { createSha256 } from '@deepearth/core/sha256';
import type { Tensor } from '@deepearth/core/tensor';
import { readChunks, type ByteSource } from '@deepearth/formats/bytes';
import { encodeSafetensors, type Safetensors } from '@deepearth/formats/safetensors';
import { firstNotFinite } from '../tokens/finite.ts';
import type { Json, ModelState } from './model.ts';

/** Under this name in the metadata; quotes of other texts are escaped, so that it stands in a header once. */
const field = (digest: string): Uint8Array => new TextEncoder().encode(`"digest":"${digest}"`);
const open = '0'.repeat(64);

/** From this version on a file without a digest is damaged. */
export const firstSealedVersion = 2;

/** Makes the error for what is wrong with a file. */
type Refuse = (problem: string, remedy?: string) => InputError;

/**
 * The bytes of a file with its digest among `metadata`: the SHA-256 of the file with 64 zeros in the digest's place.
 */
export async function encodeSealed(
  tensors: ModelState['tensors'],
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const bytes = await encodeSafetensors(tensors, { ...metadata, digest: open });
  const hash = createSha256();
  hash.update(bytes);
  bytes.set(field(hash.digest('hex')), placeOf(bytes, open));
  return bytes;
}

/**
 * Compares a file with the digest it carries; returns false for one of a version before digests. Throws what `refuse`
 * makes where they differ, or where a file that should have one has none.
 */
export async function checkSeal(
  { source, metadata }: Safetensors,
  version: number,
  refuse: Refuse,
  signal?: AbortSignal,
): Promise<boolean> {
  const digest = metadata.get('digest');
  if (digest === undefined && version < firstSealedVersion) return false;
  const remedy = 'Copy it again from where it was saved, or fit again.';
  if (digest === undefined) throw refuse('is damaged: its digest is missing.', remedy);
  const start = placeOf(await headerOf(source, signal), digest);
  const hash = createSha256();
  const end = start + field(open).length;
  // Where it is not spelled as it was written, some other byte was changed, and what is hashed will show it.
  if (start >= 0) {
    for await (const chunk of readChunks(source, 0, start, signal)) hash.update(chunk);
    hash.update(field(open));
    for await (const chunk of readChunks(source, end, source.size - end, signal)) hash.update(chunk);
  }
  const found = hash.digest('hex');
  if (start < 0 || found !== digest)
    throw refuse(`is damaged: its contents have the digest ${found}, and it says ${digest.slice(0, 64)}.`, remedy);
  return true;
}

async function headerOf(source: ByteSource, signal?: AbortSignal): Promise<Uint8Array> {
  const length = await source.read(0, 8, signal);
  return source.read(0, 8 + Number(new DataView(length.buffer, length.byteOffset).getBigUint64(0, true)), signal);
}

/** Where the field of a digest starts; -1 where it does not stand in these bytes. */
function placeOf(bytes: Uint8Array, digest: string): number {
  const wanted = field(digest);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1))
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  return -1;
}

/** Throws what `refuse` makes where a tensor or a number of the metadata is not finite. */
export function refuseNotFinite(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, Json>>,
  refuse: Refuse,
): void {
  const remedy = 'Fit again.';
  for (const [name, { data }] of Object.entries(tensors)) {
    const at = data instanceof Float32Array || data instanceof Float64Array ? firstNotFinite(data) : -1;
    if (at >= 0) throw refuse(`is damaged: value ${at} of its ${name} is ${String(data[at])}.`, remedy);
  }
  const walk = (value: Json, path: string): void => {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw refuse(`is damaged: its ${path} is ${value}.`, remedy);
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner as Json, path ? `${path}.${key}` : key);
  };
  walk(metadata, '');
}
