// Small pictures of frames for the map: few at a time are fetched, the latest of them kept.

import { picturePath } from '@deepearth/sinks/explorer/bundle-index';
import type { Bundle } from '../bundle/bundle.ts';

/** Longest edge of a small picture. */
export const smallEdge = 160;
/** Pictures that are kept: 30 MB. */
const kept = 400;
const atOnce = 6;

export interface MapPictures {
  /** What is there; `undefined` for what has not come yet. */
  peek(sequence: number, frame: number): ImageBitmap | undefined;
  /** What is wanted now, in that order; what was wanted before and has not begun is let go. */
  want(frames: readonly (readonly [sequence: number, frame: number])[]): void;
  close(): void;
}

/** Calls `arrived` when one has come. */
export function mapPictures({ url, sequences }: Bundle, arrived: () => void): MapPictures {
  const there = new Map<string, ImageBitmap | undefined>();
  const underWay = new Set<string>();
  let queue: (readonly [number, number])[] = [];
  let closed = false;

  const load = async (sequence: number, frame: number): Promise<ImageBitmap | undefined> => {
    const response = await fetch(url + picturePath(sequence, frame)).catch(() => undefined);
    if (!response?.ok) return undefined;
    const { width, height } = sequences[sequence]!.picture;
    const share = Math.min(1, smallEdge / Math.max(width, height));
    return createImageBitmap(await response.blob(), {
      resizeWidth: Math.max(1, Math.round(width * share)),
      resizeHeight: Math.max(1, Math.round(height * share)),
      resizeQuality: 'medium',
    }).catch(() => undefined);
  };

  const next = (): void => {
    while (underWay.size < atOnce && queue.length > 0 && !closed) {
      const [sequence, frame] = queue.shift()!;
      const key = `${sequence}/${frame}`;
      if (underWay.has(key) || there.has(key)) continue;
      underWay.add(key);
      void load(sequence, frame).then((picture) => {
        underWay.delete(key);
        if (closed) return picture?.close();
        there.set(key, picture);
        for (const oldest of there.keys()) {
          if (there.size <= kept) break;
          there.get(oldest)?.close();
          there.delete(oldest);
        }
        arrived();
        next();
      });
    }
  };

  return {
    peek(sequence, frame) {
      const key = `${sequence}/${frame}`;
      const found = there.get(key);
      if (found) {
        there.delete(key);
        there.set(key, found);
      }
      return found;
    },
    want(frames) {
      queue = frames.filter(
        ([sequence, frame]) => !there.has(`${sequence}/${frame}`) && !sequences[sequence]!.without?.includes(frame),
      );
      next();
    },
    close() {
      closed = true;
      for (const picture of there.values()) picture?.close();
      there.clear();
    },
  };
}
