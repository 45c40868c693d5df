// Copies a file of a server to the disk, for a library that reads files alone.

import { rmSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from '@deepearth/core/byte-source';

/** What has been downloaded, by address and version: plan and run, and every frame, read one copy. */
const copies = new Map<string, Promise<string>>();

const pieceBytes = 2 ** 23;

/** The path of a copy; it is removed when the process ends. Throws what reading throws. */
export function downloaded(source: ByteSource & { readonly version?: string }, signal?: AbortSignal): Promise<string> {
  const name = `${source.name} ${source.version ?? ''} ${source.size}`;
  const known = copies.get(name);
  if (known) return known;
  const copy = download(source, signal);
  copies.set(name, copy);
  copy.catch(() => copies.delete(name));
  return copy;
}

async function download(source: ByteSource, signal: AbortSignal | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'deepearth-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'downloaded.nc');
  const file = await open(path, 'wx');
  try {
    for (let at = 0; at < source.size; at += pieceBytes) {
      signal?.throwIfAborted();
      await file.write(await source.read(at, Math.min(pieceBytes, source.size - at), signal));
    }
  } catch (error) {
    await file.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await file.close();
  return path;
}
