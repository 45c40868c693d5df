// Where the queue of `deepearth queue …` is.

import type { QueueBackend } from '@deepearth/queue';

export interface QueueFlags {
  readonly url?: string;
  readonly name: string;
}

/** Taken where neither a flag nor DEEPEARTH_QUEUE names another. */
export const usualQueue = 'redis://127.0.0.1:6379';

/** Throws where it cannot be reached. */
export async function openQueue({ url, name }: QueueFlags): Promise<QueueBackend> {
  const { queueBackend, reachQueue } = await import('@deepearth/queue');
  const backend = await queueBackend({ url: url ?? process.env['DEEPEARTH_QUEUE'] ?? usualQueue, name });
  await reachQueue(backend);
  return backend;
}
