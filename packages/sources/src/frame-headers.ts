// Reads the headers of the pictures of a folder: their sizes, and how many pictures each file holds.

import { extname } from 'node:path';
import { isRemote } from '@deepearth/runtime/remote-file';
import type { PictureHeader } from '@deepearth/vision/picture-header';
import { headerOf } from './frame-file.ts';
import { pathIn } from './picture-folder.ts';

/** Headers by file; a file that cannot be read, or was not looked at, is not in it. */
export type FrameHeaders = ReadonlyMap<string, PictureHeader>;

/**
 * Formats of one picture a file: these are looked at for their sizes alone, and a sample says which is the usual one.
 */
const single = new Set(['.png', '.jpg', '.jpeg']);
const mostSingle = 10_000;
/** A file on a server is fetched whole for its header. */
const mostSingleRemote = 8;
const together = 8;

/**
 * Looks at every file that may hold several pictures, and at up to 10,000 of the others (on a server 8), spread evenly.
 */
export async function readHeaders(
  directory: string,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<FrameHeaders> {
  const others = files.filter((file) => single.has(extname(file).toLowerCase()));
  const most = isRemote(directory) ? mostSingleRemote : mostSingle;
  const step = Math.max(1, others.length / most);
  const sample = new Set(
    Array.from({ length: Math.min(others.length, most) }, (_, i) => others[Math.floor(i * step)]!),
  );
  const wanted = files.filter((file) => sample.has(file) || !single.has(extname(file).toLowerCase()));
  const headers = new Map<string, PictureHeader>();
  for (let start = 0; start < wanted.length; start += together) {
    signal?.throwIfAborted();
    await Promise.all(
      wanted.slice(start, start + together).map(async (file) => {
        const header = await headerOf(pathIn(directory, file), signal);
        if (header) headers.set(file, header);
      }),
    );
  }
  return headers;
}

/** The size that most pictures have, the first of those where several are as frequent; `undefined` without headers. */
export function usualSize(headers: FrameHeaders): Pick<PictureHeader, 'width' | 'height'> | undefined {
  const counts = new Map<string, { width: number; height: number; count: number }>();
  for (const { width, height } of headers.values()) {
    const entry = counts.get(`${width} ${height}`) ?? { width, height, count: 0 };
    entry.count++;
    counts.set(`${width} ${height}`, entry);
  }
  const [usual] = [...counts.values()].sort((a, b) => b.count - a.count);
  return usual && { width: usual.width, height: usual.height };
}
