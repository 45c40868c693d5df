// Whether a shard is whole.

import { readBooks } from '@deepearth/core/former-run';
import type { RunStore } from '@deepearth/core/store';
import type { Job } from '@deepearth/core/work-list';

/**
 * What a shard lacks, in words; `undefined` where it is whole. Files are listed, and not read: that is done when they
 * are used.
 */
export async function lackOf(store: RunStore, job: Job): Promise<string | undefined> {
  const books = await readBooks(store);
  const { manifest } = books;
  if (!manifest) return books.journal.length > 0 ? 'it has not ended' : 'it has not begun';
  if (manifest.status !== 'done' && manifest.status !== 'skipped') return `its run ended as "${manifest.status}"`;
  // A shard that is run again and has not ended yet keeps the manifest of its last end.
  const sizes = new Map<string, number>();
  for await (const { path, bytes } of store.list()) sizes.set(path, bytes);
  for (const { path, bytes } of manifest.outputs ?? []) {
    const size = sizes.get(path);
    if (size !== bytes) return `${path} ${size === undefined ? 'is gone' : 'is not what it was'}`;
  }
  return job.count !== null && job.count > 0 && manifest.outputs?.length === 0 && manifest.status === 'done'
    ? 'it holds no tokens'
    : undefined;
}
