// A rectangle of a frame as a frame of its own.

import { checkWindow, lineage, windowWithin, type Frame, type Georeference, type Rectangle } from '@deepearth/core';

/** Of which sequence the part is, and under which id; the frame's own unless told. */
export interface PartNames {
  readonly id?: string;
  readonly sequence?: string;
}

/**
 * The part of a frame that `window` (in its pixels) shows: `[window.height, window.width, channels]`, with its own key,
 * place on the Earth and locator. Nothing is read but what is asked for. The frame itself, renamed, where the window is
 * all of it. Throws a `RangeError` for a window that leaves the frame.
 */
export function partOfFrame(frame: Frame, window: Rectangle, names: PartNames = {}): Frame {
  checkWindow(window, frame.width, frame.height);
  const { width, height } = window;
  if (width === frame.width && height === frame.height) return { ...frame, ...names };
  const { footprint, georeference, locator } = frame;
  const across = footprint ? footprint.width / frame.width : 1;
  const down = footprint ? footprint.height / frame.height : 1;
  return {
    ...frame,
    ...names,
    key: lineage('part of frame', frame.key, window.x, window.y, width, height),
    width,
    height,
    footprint: {
      x: (footprint?.x ?? 0) + window.x * across,
      y: (footprint?.y ?? 0) + window.y * down,
      width: width * across,
      height: height * down,
    },
    ...(georeference && { georeference: moved(georeference, window) }),
    locator: { ...locator, window: locator.window ? windowWithin(locator.window, window) : window },
    async read({ window: wanted, ...options } = {}) {
      return frame.read({ ...options, window: windowWithin(window, wanted) });
    },
  };
}

/** The affine transform of a part: its origin is the upper left corner of the window. */
function moved({ crs, transform: [a, b, c, d, e, f] }: Georeference, { x, y }: Rectangle): Georeference {
  return { crs, transform: [a, b, a * x + b * y + c, d, e, d * x + e * y + f] };
}
