// A clip and what a grid covers of its frames as plain data, and what such data of a file has to be.

import type { Clip, FrameRecord } from '@deepearth/core/items';
import { count, finite, is, listOf, positive, record, text, wholeNumber, type Shape } from './plain-shapes.ts';

/** A clip as it was read back: its frames without their pixels. */
export interface StoredClip extends Omit<Clip, 'frames'> {
  readonly frames: readonly FrameRecord[];
}

/** A clip as plain data: everything but the pixels of its frames. */
export const storedClip = ({ frames, ...clip }: Clip | StoredClip): StoredClip => ({
  ...clip,
  frames: frames.map(({ read: _, ...frame }: FrameRecord & { readonly read?: unknown }) => frame),
});

const rectangle = record({ x: finite, y: finite, width: finite, height: finite });

/** What has to be true of a `Locator`. */
export const locatorShape: Shape = record(
  { source: text, uri: text },
  {
    sha256: text,
    page: count,
    index: count,
    seconds: finite,
    window: rectangle,
    decode: is('an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  },
);

/** What has to be true of a `FrameRecord`. */
export const frameShape: Shape = record(
  {
    id: text,
    key: text,
    sequence: text,
    number: wholeNumber,
    width: positive,
    height: positive,
    locator: locatorShape,
  },
  {
    at: text,
    seconds: finite,
    footprint: rectangle,
    georeference: record({ crs: text, transform: listOf(finite, 6) }),
    position: record({ longitude: finite, latitude: finite }),
  },
);

const someFrames =
  (frame: Shape): Shape =>
  (value, path) =>
    listOf(frame)(value, path) ?? ((value as unknown[]).length === 0 ? `${path} has no frames` : undefined);

const clipOf = (frame: Shape, more: Readonly<Record<string, Shape>> = {}): Shape =>
  record({ id: text, key: text, index: count, padded: count, ...more, frames: someFrames(frame) });

/** What has to be true of a `StoredClip`. */
export const clipShape: Shape = clipOf(frameShape, { sequence: text });

/** The same of a clip of the first layout of token files, which kept less of its frames. */
export const firstClipShape: Shape = clipOf(
  record({ number: wholeNumber, key: text }, { seconds: finite, origin: text }),
);

/** What has to be true of a `Geometry`. */
export const geometryShape: Shape = record({
  frameWidth: finite,
  frameHeight: finite,
  x: finite,
  y: finite,
  width: finite,
  height: finite,
});
