// Draws many points.

/**
 * Which part of the plane is shown: its middle, and how many times as large as the whole, which reaches from -1 to 1.
 */
export interface Zoom {
  readonly factor: number;
  readonly x: number;
  readonly y: number;
}

export const whole: Zoom = { factor: 1, x: 0, y: 0 };

/** As near as single points of a million come apart. */
const mostFactor = 200;

/** A zoom that is so many times nearer, under which the point that lies at `[x, y]` stays where it is seen. */
export function zoomed({ factor, x: left, y: down }: Zoom, by: number, [x, y]: readonly [number, number]): Zoom {
  const nearer = Math.min(mostFactor, Math.max(1, factor * by));
  const middle = (from: number, at: number): number => {
    const edge = 1 - 1 / nearer;
    return Math.min(edge, Math.max(-edge, at + ((from - at) * factor) / nearer));
  };
  return { factor: nearer, x: middle(left, x), y: middle(down, y) };
}

/** Pixels of a point of the plane. */
export const placer =
  (width: number, height: number, { factor, x: middle, y: level }: Zoom) =>
  (x: number, y: number): [number, number] => [
    (((x - middle) * factor + 1) / 2) * width,
    ((1 - (y - level) * factor) / 2) * height,
  ];

/**
 * A square for each point, `[points, 2]`, in its colour, `[points x every, 4]`, straight into pixels; none for NaN. A
 * million of them take less time so than through a graphics library where there is no graphics card.
 */
export function drawPoints(
  canvas: OffscreenCanvas,
  { width, height, unit }: { readonly width: number; readonly height: number; readonly unit: number },
  points: Float32Array,
  colors: Uint8ClampedArray,
  { factor, x: middle, y: level }: Zoom,
  every = 1,
): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const paint = new Uint32Array(colors.buffer, colors.byteOffset, colors.length / 4);
  const count = points.length / 2;
  // What is nearer has fewer points in sight.
  const side = Math.max(1, Math.round(unit * (count / factor ** 2 > 20_000 ? 1 : 2)));
  for (let point = 0; point < count; point++) {
    const x = Math.round((((points[point * 2]! - middle) * factor + 1) / 2) * width);
    const y = Math.round(((1 - (points[point * 2 + 1]! - level) * factor) / 2) * height);
    // Also false for NaN.
    if (!(x >= 0 && y >= 0 && x + side <= width && y + side <= height)) continue;
    for (let row = 0; row < side; row++) {
      const from = (y + row) * width + x;
      for (let at = from; at < from + side; at++) words[at] = paint[point * every]!;
    }
  }
  context.putImageData(pixels, 0, 0);
}
