// Tokens as points of space: their first three principal components; and lines that are drawn around them.

import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { byteWeights, isMasked, type CodedTokens } from './vectors.ts';

/** `[tokens, 3]`; NaN where a token saw no data. */
export function componentPoints(code: BundleIndex['code'], tokens: CodedTokens): Float32Array {
  const { center, directions } = code.colors;
  const axes = [0, 1, 2].map((axis) => byteWeights(code, Float32Array.from(directions[axis]!)));
  const shifts = [0, 1, 2].map((axis) => directions[axis]!.reduce((sum, value, i) => sum + value * center[i]!, 0));
  const count = tokens.length / code.bytes;
  const out = new Float32Array(count * 3);
  for (let token = 0; token < count; token++) {
    const masked = isMasked(code, tokens, token);
    for (let axis = 0; axis < 3; axis++) {
      let sum = -shifts[axis]!;
      for (let i = 0; i < code.bytes; i++) sum += tokens[token * code.bytes + i]! * axes[axis]![i]!;
      out[token * 3 + axis] = masked ? NaN : sum;
    }
  }
  return out;
}

/** Corners of a closed line, one after the other. */
export type Outline = readonly (readonly [x: number, y: number])[];

/** Whether a point lies within an outline that may cross itself, by the even-odd rule. */
export function isWithin(outline: Outline, x: number, y: number): boolean {
  let within = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [[ax, ay], [bx, by]] = [outline[i]!, outline[j]!];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
  }
  return within;
}
