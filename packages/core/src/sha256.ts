// SHA-256 of a stream of bytes: Node's own where there is one, JavaScript elsewhere (a browser's own takes no streams).

import { builtinModule } from './builtin-module.ts';

/** A digest in the making. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** 64 hex digits; the hash cannot be used afterwards. */
  digest(encoding: 'hex'): string;
}
type Crypto = { createHash(name: string): Hash };

const native = builtinModule<Crypto>('node:crypto');

/** Starts a SHA-256. */
export const createSha256 = (): Hash => native?.createHash('sha256') ?? portableSha256();

/** The hex digest of bytes in memory. */
export function sha256(bytes: Uint8Array): string {
  const hash = createSha256();
  hash.update(bytes);
  return hash.digest('hex');
}

/** Below this the way to another thread takes longer than the digest. */
const worthAThread = 1 << 16;

/** The hex digest of bytes in memory, made in a thread where there is one; do not write into them meanwhile. */
export async function sha256Aside(bytes: Uint8Array): Promise<string> {
  // Absent from pages that did not come by https.
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle || bytes.byteLength < worthAThread) return sha256(bytes);
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The hex digest of chunks; no more than one is in memory. */
export async function sha256Of(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createSha256();
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** The first 32 bits of the fractional parts of roots of the first primes: the constants of FIPS 180-4. */
function fractions(count: number, root: (n: number) => number): Uint32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((p) => n % p)) primes.push(n);
  return Uint32Array.from(primes, (p) => (root(p) % 1) * 2 ** 32);
}

/** SHA-256 in JavaScript (FIPS 180-4). */
export function portableSha256(): Hash {
  const constants = fractions(64, Math.cbrt);
  const state = fractions(8, Math.sqrt);
  const words = new Uint32Array(64);
  const block = new Uint8Array(64);
  const blockView = new DataView(block.buffer);
  let length = 0;
  const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n));
  const compress = (view: DataView, at: number): void => {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15]!;
      const y = words[i - 2]!;
      words[i] =
        words[i - 16]! +
        (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) +
        words[i - 7]! +
        (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const t1 =
        (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i]! += value));
  };
  const update = (bytes: Uint8Array): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < bytes.length) {
      const filled = length % 64;
      if (filled === 0 && bytes.length - at >= 64) {
        compress(view, at);
        at += 64;
        length += 64;
        continue;
      }
      const part = bytes.subarray(at, at + 64 - filled);
      block.set(part, filled);
      at += part.length;
      length += part.length;
      if (length % 64 === 0) compress(blockView, 0);
    }
  };
  return {
    update,
    digest: () => {
      const bits = length * 8;
      const end = new Uint8Array((length % 64 < 56 ? 64 : 128) - (length % 64));
      end[0] = 0x80;
      const view = new DataView(end.buffer);
      view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
      view.setUint32(end.length - 4, bits >>> 0);
      update(end);
      return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
    },
  };
}
