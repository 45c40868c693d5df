// Colours of even lightness: sRGB to OKLab and back (Björn Ottosson, "A perceptual color space for image processing",
// 2020).

import type { Sliced } from '../shared/pace.ts';

const toLinear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const toGamma = (value: number): number => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);

/** Three components of a colour. */
export type Triple = readonly [number, number, number];

/** sRGB (0 to 1) to lightness (0 to 1), green–red and blue–yellow. */
export function oklabOfSrgb([red, green, blue]: Triple): Triple {
  const [r, g, b] = [toLinear(red), toLinear(green), toLinear(blue)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** OKLab to sRGB; outside 0 to 1 where the screen cannot show it. */
export function srgbOfOklab([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

const inside = ([red, green, blue]: Triple): boolean =>
  Math.min(red, green, blue) >= -1e-6 && Math.max(red, green, blue) <= 1 + 1e-6;

/**
 * The same hue at the given lightness, as colourful as the colour was or as the screen can show there (chroma is halved
 * towards grey until it fits). Grey stays grey.
 */
export function withLightness(rgb: Triple, lightness: number): Triple {
  const [, a, b] = oklabOfSrgb(rgb);
  let low = 0;
  let high = 1;
  if (!inside(srgbOfOklab([lightness, a, b]))) {
    for (let step = 0; step < 20; step++) {
      const middle = (low + high) / 2;
      if (inside(srgbOfOklab([lightness, a * middle, b * middle]))) low = middle;
      else high = middle;
    }
  } else low = 1;
  return srgbOfOklab([lightness, a * low, b * low]).map((value) =>
    Math.min(1, Math.max(0, value)),
  ) as unknown as Triple;
}

/** The lightness of `lightness: even`: a bright middle, where OKLab holds the most colours. */
export const evenLightness = 0.72;

/** Three coordinates and their limits to sRGB of even lightness, `[rows, 3]` in 0 to 1; NaN stays NaN. */
export function* evenColours(
  values: Float32Array,
  limits: readonly (readonly [number, number])[],
): Sliced<Float32Array> {
  const out = new Float32Array(values.length);
  const scaled = (index: number, axis: number): number => {
    const [low, high] = limits[axis]!;
    return Math.min(1, Math.max(0, (values[index + axis]! - low) / (high - low)));
  };
  for (let at = 0; at < values.length; at += 3) {
    if (Number.isNaN(values[at]!)) out.fill(NaN, at, at + 3);
    else out.set(withLightness([scaled(at, 0), scaled(at, 1), scaled(at, 2)], evenLightness), at);
    if (at % 1536 === 0) yield;
  }
  return out;
}
