// What becomes of an item whose work failed: the run stops, the item is skipped, or the work is tried again first.

import { defer, lastValueFrom, retry, takeUntil, throwError, timer, Observable, defaultIfEmpty } from 'rxjs';
import { z } from 'zod';

const ending = z.enum(['fail', 'skip']);

/** `fail` (default), `skip`, or `{ retry: 3, delaySeconds: 1, then: fail }`: pauses double from one try to the next. */
export const onErrorSchema = z
  .union([
    ending,
    z.strictObject({
      retry: z.int().min(1).max(20).describe('how often to try again'),
      delaySeconds: z
        .number()
        .min(0)
        .default(1)
        .describe('pause before the second try, in seconds; it doubles each time'),
      then: ending.default('fail').describe('what to do when all tries failed'),
    }),
  ])
  .describe('what becomes of an item whose work failed');

export type OnError = z.output<typeof onErrorSchema>;

const aborted = (signal: AbortSignal): Observable<never> =>
  new Observable((subscriber) => {
    const fail = (): void => subscriber.error(signal.reason);
    if (signal.aborted) return fail();
    signal.addEventListener('abort', fail, { once: true });
    return () => signal.removeEventListener('abort', fail);
  });

/** Does the work under a policy; rejects with the last error, or with the signal's reason once it is aborted. */
export function retrying<T>(policy: OnError, signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
  if (typeof policy === 'string') return Promise.resolve().then(work);
  const attempts = defer(async () => work()).pipe(
    retry({
      count: policy.retry,
      delay: (error: unknown, failures) =>
        signal.aborted
          ? throwError(() => error)
          : timer(policy.delaySeconds * 1000 * 2 ** (failures - 1)).pipe(takeUntil(aborted(signal))),
    }),
    defaultIfEmpty(undefined as T),
  );
  return lastValueFrom(attempts);
}

/** What a policy ends with when nothing helped. */
export const finalAnswer = (policy: OnError): 'fail' | 'skip' => (typeof policy === 'string' ? policy : policy.then);
