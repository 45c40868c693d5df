// Writes pictures of points and lines as SVG: the same at any size, and every point one can take hold of in a drawing
// program.

import type { Tensor } from '@deepearth/core';

/** Hexadecimal, `#1c1c1c`. */
export const hexColor = (rgb: ArrayLike<number>): string =>
  `#${Array.from({ length: 3 }, (_, c) => rgb[c]!.toString(16).padStart(2, '0')).join('')}`;

/** A number with two decimals at most. */
const short = (value: number): string => String(Number(value.toFixed(2)));

/** Text between tags. */
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);

/** Dots of one size, a path for each colour: strokes of no length with round ends. */
export function svgDots(
  dots: Iterable<{ readonly x: number; readonly y: number; readonly color: ArrayLike<number> }>,
  diameter: number,
): string {
  const paths = new Map<string, string[]>();
  for (const { x, y, color } of dots) {
    const hex = hexColor(color);
    const path = paths.get(hex);
    const at = `M${short(x)} ${short(y)}h0`;
    if (path) path.push(at);
    else paths.set(hex, [at]);
  }
  const drawn = [...paths].map(([color, path]) => `<path stroke="${color}" d="${path.join('')}"/>`);
  return `<g fill="none" stroke-linecap="round" stroke-width="${diameter}">${drawn.join('\n')}</g>`;
}

/** Lines of one colour, a pixel wide. */
export const svgLines = (
  lines: Iterable<readonly [x0: number, y0: number, x1: number, y1: number]>,
  color: ArrayLike<number>,
): string =>
  `<path fill="none" stroke="${hexColor(color)}" d="${Array.from(lines, ([x0, y0, x1, y1]) => `M${short(x0)} ${short(y0)}L${short(x1)} ${short(y1)}`).join('')}"/>`;

/**
 * Rows of a picture from `top` on as rectangles, one for each run of a colour but the ground's: text without a font.
 */
export function svgRows({ data, shape }: Tensor<'uint8'>, top: number, ground: ArrayLike<number>): string {
  const [height, width] = shape as [number, number];
  const paths = new Map<string, string[]>();
  for (let y = top; y < height; y++)
    for (let x = 0, start = 0; x < width; x = start) {
      const at = (y * width + x) * 3;
      const same = (other: number): boolean =>
        [0, 1, 2].every((c) => data[(y * width + other) * 3 + c] === data[at + c]);
      for (start = x + 1; start < width && same(start);) start++;
      const color = hexColor(data.subarray(at, at + 3));
      if (color === hexColor(ground)) continue;
      const run = `M${x} ${y}h${start - x}v1h${x - start}z`;
      paths.set(color, [...(paths.get(color) ?? []), run]);
    }
  return [...paths].map(([color, runs]) => `<path fill="${color}" d="${runs.join('')}"/>`).join('\n');
}

/** A document of `width` x `height` pixels on a ground of one colour. */
export const svgDocument = (
  { width, height, title }: { readonly width: number; readonly height: number; readonly title: string },
  ground: ArrayLike<number>,
  parts: readonly string[],
): string => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="${hexColor(ground)}"/>
${parts.filter(Boolean).join('\n')}
</svg>
`;
