// Pictures of frames, decoded, the latest of them kept.

import { picturePath } from '@deepearth/sinks/explorer/bundle-index';
import type { Bundle } from './bundle.ts';

/** Memory for decoded pictures, in bytes. */
const mostBytes = 64 * 2 ** 20;

export interface FrameCache {
  /** The picture of a frame; `undefined` where it has none, or it could not be fetched. */
  get(sequence: number, frame: number): Promise<ImageBitmap | undefined>;
  /** The same where it is there already. */
  peek(sequence: number, frame: number): ImageBitmap | undefined;
  /** Starts to fetch frames that will be wanted. */
  prepare(sequence: number, frames: Iterable<number>): void;
}

export function frameCache({ url, sequences }: Bundle): FrameCache {
  const pictures = new Map<string, Promise<ImageBitmap | undefined>>();
  const there = new Map<string, ImageBitmap>();
  const sizes = new Map<string, number>();
  let bytes = 0;

  const forget = (key: string): void => {
    there.get(key)?.close();
    there.delete(key);
    pictures.delete(key);
    bytes -= sizes.get(key) ?? 0;
    sizes.delete(key);
  };

  const load = async (key: string, sequence: number, frame: number): Promise<ImageBitmap | undefined> => {
    const response = await fetch(url + picturePath(sequence, frame)).catch(() => undefined);
    if (!response?.ok) return undefined;
    const picture = await createImageBitmap(await response.blob()).catch(() => undefined);
    if (!picture) return undefined;
    const size = picture.width * picture.height * 4;
    for (const oldest of [...there.keys()]) if (bytes + size > mostBytes) forget(oldest);
    there.set(key, picture);
    sizes.set(key, size);
    bytes += size;
    return picture;
  };

  const get = (sequence: number, frame: number): Promise<ImageBitmap | undefined> => {
    const key = `${sequence}/${frame}`;
    const known = pictures.get(key);
    const picture = there.get(key);
    if (picture) {
      // The latest used is the last to go.
      there.delete(key);
      there.set(key, picture);
    }
    if (known) return known;
    const { numbers, without } = sequences[sequence]!;
    if (frame < 0 || frame >= numbers.length || without?.includes(frame)) return Promise.resolve(undefined);
    const loading = load(key, sequence, frame);
    pictures.set(key, loading);
    void loading.then((found) => found ?? pictures.delete(key));
    return loading;
  };

  return {
    get,
    peek: (sequence, frame) => there.get(`${sequence}/${frame}`),
    prepare(sequence, frames) {
      for (const frame of frames) void get(sequence, frame);
    },
  };
}
