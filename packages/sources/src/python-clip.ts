// The frames that a .pt file names: whole where this system wrote it, by number and name where the Python scripts did.

import { count, listOf, record, text, wholeNumber, type Shape } from '@deepearth/formats/plain-shapes';
import { clipShape, type StoredClip } from '@deepearth/formats/stored-clip';
import type { StoredFrame, StoredFrames } from './stored-grid.ts';

/** Returns a value that has a shape; throws for another, naming the field. */
export type Check = <T>(value: unknown, shape: Shape, path: string) => T;

interface Named {
  readonly frame_numbers?: readonly number[];
  readonly frame_paths?: readonly string[];
  readonly frame_files?: readonly string[];
  readonly window_idx?: number;
  readonly padded_frames?: number;
}

/** The clip that `metadata` tells of; `undefined` where it names no frames. */
export function pythonClip(metadata: unknown, sequence: string, check: Check): StoredFrames | undefined {
  const clip = check<{ readonly clip?: unknown }>(metadata ?? {}, record({}), 'metadata').clip;
  if (clip !== undefined) return check<StoredClip>(clip, clipShape, 'metadata.clip');
  const { frame_numbers: numbers = [] } = check<Named>(
    metadata ?? {},
    record({}, { frame_numbers: listOf(wholeNumber) }),
    'metadata',
  );
  if (numbers.length === 0) return undefined;
  const names = listOf(text, numbers.length);
  const { frame_paths, frame_files, window_idx, padded_frames } = check<Named>(
    metadata,
    record({}, { frame_paths: names, frame_files: names, window_idx: count, padded_frames: count }),
    'metadata',
  );
  const frames = numbers.map((number, at): StoredFrame => {
    const uri = frame_paths?.[at] || frame_files?.[at] || `frame_${number}`;
    return { number, locator: { source: 'source/frames', uri } };
  });
  return { sequence, index: window_idx ?? 0, padded: padded_frames ?? 0, frames };
}
