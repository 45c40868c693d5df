// A rectangle of a frame as a frame of its own.

import {
  checkWindow,
  lineage,
  readableFrame,
  readerOf,
  windowWithin,
  type Frame,
  type FrameRecord,
  type Georeference,
  type LocatorReader,
  type Rectangle,
} from '@deepearth/core';

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
  const { read: _, ...whole } = frame;
  const { footprint, georeference, locator } = whole;
  const across = footprint ? footprint.width / frame.width : 1;
  const down = footprint ? footprint.height / frame.height : 1;
  const record: FrameRecord = {
    ...whole,
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
  };
  const reader = readerOf(frame);
  if (reader) return readableFrame(record, partReader(reader));
  return {
    ...record,
    async read({ window: wanted, ...options } = {}) {
      return frame.read({ ...options, window: windowWithin(window, wanted) });
    },
  };
}

const partReaders = new WeakMap<LocatorReader, LocatorReader>();

/** Reads the window of a locator as a part of the picture that `reader` reads; one for all frames, as the reader is. */
function partReader(reader: LocatorReader): LocatorReader {
  const known = partReaders.get(reader);
  if (known) return known;
  const read: LocatorReader = async ({ window, ...picture }, { window: wanted, ...options }) =>
    reader(picture, {
      ...options,
      ...(window ? { window: windowWithin(window, wanted) } : wanted && { window: wanted }),
    });
  partReaders.set(reader, read);
  // A part of a part is a part of the same picture.
  partReaders.set(read, read);
  return read;
}

/** The affine transform of a part: its origin is the upper left corner of the window. */
function moved({ crs, transform: [a, b, c, d, e, f] }: Georeference, { x, y }: Rectangle): Georeference {
  return { crs, transform: [a, b, a * x + b * y + c, d, e, d * x + e * y + f] };
}
