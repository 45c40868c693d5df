// Whether a shard is whole.

import { readBooks } from '@deepearth/core/former-run';
import type { RunStore } from '@deepearth/core/store';
import type { Job } from '@deepearth/core/work-list';

/** What a shard lacks, in words; `undefined` where it is whole. Files are opened, and not read: that is done when they are used. */
export async function lackOf(store: RunStore, job: Job): Promise<string | undefined> {
  const books = await readBooks(store);
  const { manifest } = books;
  if (!manifest) return books.journal.length > 0 ? 'it has not ended' : 'it has not begun';
  if (manifest.status !== 'done' && manifest.status !== 'skipped') return `its run ended as "${manifest.status}"`;
  // A shard that is run again and has not ended yet keeps the manifest of its last end.
  for (const { path, bytes } of manifest.outputs ?? []) {
    const file = await store.get(path);
    await file?.close();
    if (file?.size !== bytes) return `${path} ${file ? 'is not what it was' : 'is gone'}`;
  }
  return job.count !== null && job.count > 0 && manifest.outputs?.length === 0 && manifest.status === 'done'
    ? 'it holds no tokens'
    : undefined;
}
