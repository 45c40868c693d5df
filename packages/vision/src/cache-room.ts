// How many bytes of decoded pixels a source keeps in memory where its options do not say.

import { frameBytes, type StreamSpec } from '@deepearth/core';

const mebibyte = 2 ** 20;

/**
 * 64 MiB; of frames so large that this would be less, 40 of them: a clip of 16 that is drawn, one that is encoded, and
 * some of the next. At most 256 MiB.
 */
export const roomFor = (bytes: number): number => Math.min(256 * mebibyte, Math.max(64 * mebibyte, 40 * bytes));

/** The room of a source for the frames it describes, for its plan. */
export const cacheRoom = (cacheBytes: number | undefined, stream: StreamSpec): number =>
  cacheBytes ?? roomFor(frameBytes(stream));
