// Colours of the tokens of a clip, for each way to look at them: RGBA, `[tokens, 4]`, transparent where a token saw no
// data.

import type { BundleIndex, BundleLayer } from '@deepearth/sinks/explorer/bundle-index';
import { categoryColor, colorMap, type ColorMapName } from '@deepearth/vision/colormaps';
import { byteWeights, isMasked, scores, vectors, type CodedTokens } from './vectors.ts';

type Code = BundleIndex['code'];
/** RGBA, `[tokens, 4]`. */
export type Colors = Uint8ClampedArray<ArrayBuffer>;

/** A number to each token as colours between two limits; more see-through where it is low, if `fade`. */
export function numberColors(
  numbers: Float32Array,
  [low, high]: readonly [number, number],
  map: ColorMapName,
  fade: boolean,
): Colors {
  const table = colorMap(map);
  const out = new Uint8ClampedArray(numbers.length * 4);
  numbers.forEach((number, token) => {
    if (Number.isNaN(number)) return;
    const share = high > low ? Math.min(1, Math.max(0, (number - low) / (high - low))) : 0.5;
    const entry = Math.round(share * 255) * 3;
    out.set(table.subarray(entry, entry + 3), token * 4);
    out[token * 4 + 3] = fade ? 40 + 215 * share : 255;
  });
  return out;
}

/** Three principal components as red, green, blue. */
export function componentColors(code: Code, tokens: CodedTokens): Colors {
  const { center, directions, limits } = code.colors;
  const weights = directions.map((direction) => byteWeights(code, Float32Array.from(direction)));
  const shifts = directions.map((direction) => direction.reduce((sum, value, i) => sum + value * center[i]!, 0));
  const count = tokens.length / code.bytes;
  const out = new Uint8ClampedArray(count * 4);
  for (let token = 0; token < count; token++) {
    if (isMasked(code, tokens, token)) continue;
    for (let c = 0; c < 3; c++) {
      let sum = -shifts[c]!;
      for (let i = 0; i < code.bytes; i++) sum += tokens[token * code.bytes + i]! * weights[c]![i]!;
      const [low, high] = limits[c]!;
      out[token * 4 + c] = high > low ? ((sum - low) / (high - low)) * 255 : 128;
    }
    out[token * 4 + 3] = 255;
  }
  return out;
}

/**
 * How much each token differs from the one before it in the same place, 1 - cosine; of the first step, from the one
 * behind it. NaN where one of the two saw no data.
 */
export function change(
  code: Code,
  tokens: CodedTokens,
  [time, height, width]: readonly [number, number, number],
): Float32Array {
  const all = vectors(code, tokens);
  const { components } = code;
  const cells = height * width;
  const out = new Float32Array(time * cells);
  const difference = (a: number, b: number): number => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = 0; i < components; i++) {
      const [x, y] = [all[a * components + i]!, all[b * components + i]!];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    return 1 - ab / Math.sqrt(aa * bb);
  };
  for (let token = 0; token < out.length; token++)
    out[token] = time === 1 ? 0 : difference(token, token < cells ? token + cells : token - cells);
  return out;
}

/** The group with the nearest center for each token; -1 where it saw no data. `centers` are at length 1. */
export function groupsOf(code: Code, tokens: CodedTokens, centers: readonly Float32Array[]): Int16Array {
  const each = centers.map((center) => scores(code, tokens, center));
  return Int16Array.from({ length: tokens.length / code.bytes }, (_, token) => {
    let found = -1;
    let best = -Infinity;
    each.forEach((all, group) => {
      if (all[token]! > best) [best, found] = [all[token]!, group];
    });
    return found;
  });
}

/** Colours of groups; those that `shown` leaves out are see-through. */
export function groupColors(groups: Int16Array | Uint16Array, shown: (group: number) => boolean = () => true): Colors {
  const out = new Uint8ClampedArray(groups.length * 4);
  groups.forEach((group, token) => {
    if (group < 0 || !shown(group)) return;
    out.set(categoryColor(group), token * 4);
    out[token * 4 + 3] = 255;
  });
  return out;
}

/** Colours of a layer of the run, of its bytes for the tokens of one clip. */
export function storedColors(
  { meaning }: Pick<BundleLayer, 'meaning'>,
  bytes: Uint8Array,
  map: ColorMapName,
  masked: (token: number) => boolean,
): Colors {
  const colors = ((): Colors => {
    if (meaning === 'label')
      return groupColors(
        Uint16Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i]! + 256 * bytes[2 * i + 1]!),
      );
    if (meaning === 'scalar') return numberColors(Float32Array.from(bytes), [0, 255], map, false);
    const out = new Uint8ClampedArray((bytes.length / 3) * 4);
    for (let token = 0; token < bytes.length / 3; token++) {
      out.set(bytes.subarray(token * 3, token * 3 + 3), token * 4);
      out[token * 4 + 3] = 255;
    }
    return out;
  })();
  for (let token = 0; token < colors.length / 4; token++) if (masked(token)) colors[token * 4 + 3] = 0;
  return colors;
}
