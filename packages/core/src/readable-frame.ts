// A frame of its record and of what reads it, so that it can wait as the record alone.

import type { Frame, FrameRecord, Locator, Raster, ReadOptions } from './items.ts';

/**
 * Reads what a locator names, as `Frame.read` would: all that it needs to know of the frame is there. One function
 * reads all frames of a source.
 */
export type LocatorReader = (locator: Locator, options: ReadOptions) => Promise<Raster>;

/** What stands behind the `read` of frames; a frame keeps its own when it is copied. */
const behind = new WeakMap<Frame['read'], { readonly locator: Locator; readonly reader: LocatorReader }>();

/**
 * A frame that `reader` reads from its locator. Unlike one with a `read` of its own it costs no memory where it waits
 * behind a stage that needs all frames: its record goes to the disk.
 */
export function readableFrame(record: FrameRecord, reader: LocatorReader): Frame {
  const { locator } = record;
  const read: Frame['read'] = async (options = {}) => reader(locator, options);
  behind.set(read, { locator, reader });
  // No literal: V8 makes a shape of its own for each object that is a spread one and a property more.
  return Object.assign({}, record, { read });
}

/** What reads a frame by its locator; `undefined` where only its own `read` can. */
export function readerOf({ read, locator }: Frame): LocatorReader | undefined {
  const known = behind.get(read);
  return known?.locator === locator ? known.reader : undefined;
}
