// Tokens in a file, read in chunks (Node only).

import { InputError } from '@deepearth/core/errors';
import { toFloat32 } from '@deepearth/core/half';
import type { EncoderIdentity } from '@deepearth/core/items';
import { elementBytes, elementCount, tensor, viewAs, type Tensor } from '@deepearth/core/tensor';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import { scaleName, withScale } from '@deepearth/formats/scale';
import { sharesOf } from '@deepearth/formats/shares';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { firstNotFinite } from './finite.ts';
import type { GridRows } from './grid-rows.ts';
import { namedToken } from './spool.ts';
import type { StoredTokens } from '../run/reduction.ts';
import type { TokenChunks } from '../umap/options.ts';

export interface TokenSource extends TokenChunks, StoredTokens {
  readonly path: string;
  /** Axes before the channels: `[time, height, width]`, `[tokens]` … */
  readonly shape: readonly number[];
  readonly channels: number;
  /**
   * `[all tokens of shape]`, the share of its pixels that hold data, 0 (masked) to 255; absent when all are whole.
   * `count` and `chunks` are of those that are not masked.
   */
  readonly valid?: Uint8Array;
  /** All tokens in order, in pieces with the mask of each. */
  pieces(signal?: AbortSignal): AsyncIterable<GridRows>;
  /** Who made them, where the file says so. */
  readonly encoder?: EncoderIdentity;
  /** Rows (of the valid tokens, ascending), `[rows, channels]`. */
  rows(wanted: ArrayLike<number>, signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Names under which tokens stand in files that hold more than one tensor. */
const usualNames = ['features', 'tokens', 'last_hidden_state', 'embeddings', 'projection'];
const floats = ['float32', 'float16', 'bfloat16', 'float64'];
/** Bytes of a chunk as float32. */
const chunkBytes = 1 << 23;

export interface TokenSourceOptions {
  /** Which tensor of the file; only needed when it is not clear. */
  readonly tensor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the tokens of a .npy, .safetensors, .pt or .npz file: a float tensor whose last axis holds the channels. Throws
 * an `InputError` for other kinds; chunks throw one that names the token where a number is NaN or infinite.
 */
export async function openTokens(
  path: string,
  { tensor: name, signal }: TokenSourceOptions = {},
): Promise<TokenSource> {
  const file = await readTensorFile(path, signal);
  try {
    const usual = file.tensors.size > 1 ? usualNames.find((known) => file.tensors.has(known)) : undefined;
    const stored = file.tensor(name ?? usual);
    const values = withScale(stored, file.tensors.get(scaleName(name ?? usual ?? '')), path);
    if (!floats.includes(values.dtype))
      throw new InputError(path, `holds ${values.dtype}; tokens are float32, float16, bfloat16 or float64.`);
    if (values.shape.length < 2)
      throw new InputError(
        path,
        `holds a tensor of shape [${values.shape.join(', ')}]; tokens have two axes or more, the last of which is the channels.`,
      );
    const shape = values.shape.slice(0, -1);
    const channels = values.shape.at(-1)!;
    const tokens = elementCount(shape);
    if (channels === 0 || tokens === 0)
      throw new InputError(path, `holds no tokens: its shape is [${values.shape.join(', ')}].`, {
        code: 'E_NO_TOKENS',
      });
    const mask = await readMask(file.tensors.get('valid'), tokens, signal);
    const parts = { path, shape, channels, values, mask };
    return {
      path,
      shape,
      channels,
      count: mask ? mask.reduce((sum, share) => sum + (share ? 1 : 0), 0) : tokens,
      ...(mask ? { valid: mask } : {}),
      ...encoderOf(file.metadata),
      pieces: (abort) => piecesOf(parts, abort ?? signal),
      chunks: (abort) => chunksOf(parts, abort ?? signal),
      pick: (_grid, numbers, abort) => pickChunks(parts, numbers, abort ?? signal),
      rows: (wanted, abort) => gatherRows(pickChunks(parts, wanted, abort ?? signal), wanted.length * channels),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

interface Parts {
  readonly path: string;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly values: LazyTensor;
  readonly mask: Uint8Array | undefined;
}

async function readMask(
  stored: LazyTensor | undefined,
  tokens: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (!stored || elementCount(stored.shape) !== tokens || !['bool', 'uint8'].includes(stored.dtype)) return undefined;
  const shares = sharesOf((await stored.read(signal)) as Tensor<'bool' | 'uint8'>);
  return shares.some((share) => share < 255) ? shares : undefined;
}

function encoderOf(metadata: ReadonlyMap<string, string>): { encoder?: EncoderIdentity } {
  try {
    const encoder = JSON.parse(metadata.get('encoder') ?? 'null') as Partial<EncoderIdentity> | null;
    return typeof encoder?.name === 'string' && typeof encoder.fingerprint === 'string'
      ? { encoder: { name: encoder.name, fingerprint: encoder.fingerprint } }
      : {};
  } catch {
    return {}; // text of another program under the same name
  }
}

async function* piecesOf(
  { path, shape, channels, values, mask }: Parts,
  signal?: AbortSignal,
): AsyncGenerator<GridRows> {
  const tokens = elementCount(shape);
  const several = Math.max(1, Math.floor(chunkBytes / (channels * 4)));
  const rowBytes = channels * elementBytes(values.dtype);
  for (let first = 0; first < tokens; first += several) {
    signal?.throwIfAborted();
    const count = Math.min(several, tokens - first);
    const bytes = await values.readBytes(first * rowBytes, count * rowBytes, signal);
    const stored = tensor(values.dtype, [count, channels], viewAs(values.dtype, bytes));
    const all = toFloat32(stored, path).data;
    const valid = mask?.subarray(first, first + count);
    const kept = valid?.includes(0) ? [...valid.keys()].filter((token) => valid[token]) : undefined;
    const rows = kept ? new Float32Array(kept.length * channels) : all;
    kept?.forEach((from, to) => rows.set(all.subarray(from * channels, (from + 1) * channels), to * channels));
    const at = firstNotFinite(rows);
    if (at >= 0) {
      const row = Math.floor(at / channels);
      throw new InputError(
        path,
        `${namedToken(first + (kept?.[row] ?? row), shape)}, channel ${at % channels}, is ${rows[at]}.`,
        { code: 'E_NOT_FINITE', remedy: 'Leave such tokens out, or mark them in a tensor "valid".' },
      );
    }
    yield valid ? { rows, valid } : { rows };
  }
}

async function* chunksOf(parts: Parts, signal?: AbortSignal): AsyncGenerator<Float32Array> {
  for await (const { rows } of piecesOf(parts, signal)) if (rows.length > 0) yield rows;
}

/** Wanted rows (of the valid tokens, ascending) in chunks. */
async function* pickChunks(
  parts: Parts,
  wanted: ArrayLike<number>,
  signal?: AbortSignal,
): AsyncGenerator<Float32Array> {
  const { channels } = parts;
  let first = 0;
  let next = 0;
  for await (const chunk of chunksOf(parts, signal)) {
    if (next === wanted.length) break;
    const end = first + chunk.length / channels;
    const from = next;
    while (next < wanted.length && wanted[next]! < end) next++;
    const whole = next - from === end - first;
    const rows = whole ? chunk : new Float32Array((next - from) * channels);
    for (let i = from; !whole && i < next; i++) {
      const at = (wanted[i]! - first) * channels;
      rows.set(chunk.subarray(at, at + channels), (i - from) * channels);
    }
    if (rows.length > 0) yield rows;
    first = end;
  }
}

/** The values of chunks together, `length` of them. */
export async function gatherRows(chunks: AsyncIterable<Float32Array>, length: number): Promise<Float32Array> {
  const out = new Float32Array(length);
  let at = 0;
  for await (const rows of chunks) {
    out.set(rows, at);
    at += rows.length;
  }
  return out;
}
