// Writes geometries as well-known binary (OGC 06-103r4), little-endian.

/** A position, x before y whatever the coordinate system says of its axes. */
export type Point = readonly [x: number, y: number];

/** A point. */
export function pointWkb([x, y]: Point): Uint8Array {
  const out = new Uint8Array(21);
  const view = new DataView(out.buffer);
  out[0] = 1;
  view.setUint32(1, 1, true);
  view.setFloat64(5, x, true);
  view.setFloat64(13, y, true);
  return out;
}

/** A polygon without holes; the ring is closed here. */
export function polygonWkb(corners: readonly Point[]): Uint8Array {
  const ring = [...corners, corners[0]!];
  const out = new Uint8Array(13 + 16 * ring.length);
  const view = new DataView(out.buffer);
  out[0] = 1;
  view.setUint32(1, 3, true);
  view.setUint32(5, 1, true);
  view.setUint32(9, ring.length, true);
  for (const [index, [x, y]] of ring.entries()) {
    view.setFloat64(13 + 16 * index, x, true);
    view.setFloat64(21 + 16 * index, y, true);
  }
  return out;
}
