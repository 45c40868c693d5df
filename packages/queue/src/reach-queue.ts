// Whether the database of a queue can be reached.

import { DeepEarthError } from '@deepearth/core/errors';
import type { QueueBackend } from './queue-backend.ts';

const reachMilliseconds = 5000;

/**
 * Resolves when the database is ready. Throws a `DeepEarthError` when it cannot be reached, or says nothing for 5 s.
 */
export async function reachQueue(backend: QueueBackend): Promise<void> {
  const queue = backend.queue();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it says nothing')), reachMilliseconds);
  });
  const refused = new Promise<never>((_, reject) => queue.on('error', reject));
  try {
    await Promise.race([queue.waitUntilReady(), refused, late]);
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new DeepEarthError(`${backend.shown} cannot be reached: ${message || code || 'no reason was given'}.`, {
      code: 'E_QUEUE_AWAY',
      remedy: 'Start Redis, Valkey or PostgreSQL there, or name another with --url or DEEPEARTH_QUEUE.',
      cause,
    });
  } finally {
    clearTimeout(timer);
    late.catch(() => undefined);
    refused.catch(() => undefined);
    await Promise.race([queue.close(), new Promise((resolve) => setTimeout(resolve, 500).unref())]).catch(
      () => undefined,
    );
  }
}
