// Vectors of coded tokens, and what is computed of them.

import type { TokenCode } from '@deepearth/sinks/explorer/bundle-index';

/** What decoding needs of the code. */
export type Decoding = Pick<TokenCode, 'bytes' | 'components' | 'scales'>;

/** Tokens of one clip, `[tokens, bytes]`. */
export type CodedTokens = Int8Array<ArrayBuffer>;

/** The component that a byte adds to. */
const componentOf = ({ components }: Decoding, byte: number): number => (byte < components ? byte : byte - components);

/** Whether a token saw no data. */
export function isMasked({ bytes }: Decoding, tokens: CodedTokens, token: number): boolean {
  for (let i = token * bytes; i < (token + 1) * bytes; i++) if (tokens[i] !== 0) return false;
  return true;
}

/** The sum of the vectors of some tokens, `[components]`. */
export function sumOf(code: Decoding, tokens: CodedTokens, which: Iterable<number>): Float32Array {
  const sum = new Float32Array(code.components);
  for (const token of which)
    for (let i = 0; i < code.bytes; i++)
      sum[componentOf(code, i)]! += tokens[token * code.bytes + i]! * code.scales[i]!;
  return sum;
}

/** At length 1; zeros stay zeros. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}

/** What each byte is multiplied by, so that the sum is the inner product with a vector. */
export const byteWeights = (code: Decoding, vector: Float32Array): Float32Array =>
  Float32Array.from(code.scales, (scale, i) => scale * vector[componentOf(code, i)]!);

/**
 * The same as whole numbers of 16 bits whose sum of products with bytes fits 32, and the factor that makes scores of
 * it.
 */
export function wholeWeights(code: Decoding, vector: Float32Array): { weights: Int16Array; factor: number } {
  const weights = byteWeights(code, vector);
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const most = Math.min(32_767, Math.floor((2 ** 31 - 1) / (128 * code.bytes)));
  const factor = largest > 0 ? largest / most : 1;
  return { weights: Int16Array.from(weights, (weight) => Math.round(weight / factor)), factor };
}

/** Inner products of all tokens with a vector; NaN where a token saw no data. */
export function scores(code: Decoding, tokens: CodedTokens, vector: Float32Array): Float32Array {
  const weights = byteWeights(code, vector);
  const { bytes } = code;
  const out = new Float32Array(tokens.length / bytes);
  for (let token = 0; token < out.length; token++) {
    let sum = 0;
    let some = 0;
    for (let i = 0; i < bytes; i++) {
      const byte = tokens[token * bytes + i]!;
      some |= byte;
      sum += byte * weights[i]!;
    }
    out[token] = some === 0 ? NaN : sum;
  }
  return out;
}

/** Vectors of all tokens, `[tokens, components]`. */
export function vectors(code: Decoding, tokens: CodedTokens): Float32Array {
  const { bytes, components, scales } = code;
  const count = tokens.length / bytes;
  const out = new Float32Array(count * components);
  for (let token = 0; token < count; token++)
    for (let i = 0; i < bytes; i++)
      out[token * components + componentOf(code, i)]! += tokens[token * bytes + i]! * scales[i]!;
  return out;
}
