// What happens to an item whose work failed: the run stops, the item is skipped, or the work is tried again first.

import { defer, identity, lastValueFrom, Observable, retry, switchMap, takeUntil, throwError, timer } from 'rxjs';
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
  .describe('what happens to an item whose work failed');

/** What happens to an item whose work failed, with defaults filled in; see `onErrorSchema`. */
export type OnError = z.output<typeof onErrorSchema>;

const aborted = (signal: AbortSignal): Observable<never> =>
  new Observable((subscriber) => {
    const fail = (): void => subscriber.error(signal.reason);
    if (signal.aborted) return fail();
    signal.addEventListener('abort', fail, { once: true });
    return () => signal.removeEventListener('abort', fail);
  });

/** How work is tried again. */
export interface Retry {
  /**
   * The pause before the next try, in milliseconds, after `failures` tries failed; `undefined` ends it with `error`.
   * What it throws is thrown instead.
   */
  pause(error: unknown, failures: number): number | undefined | Promise<number | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does the work until it succeeds or `pause` gives up; rejects with the last error, or, in a pause, with the signal's
 * reason.
 */
export function retried<T>(work: () => Promise<T> | T, { pause, signal }: Retry): Promise<T> {
  const attempts = defer(async () => work()).pipe(
    retry({
      delay: (error: unknown, failures) =>
        defer(async () => pause(error, failures)).pipe(
          switchMap((milliseconds) => (milliseconds === undefined ? throwError(() => error) : timer(milliseconds))),
          signal ? takeUntil(aborted(signal)) : identity,
        ),
    }),
  );
  return lastValueFrom(attempts);
}

/** Does the work under a policy; rejects with the last error, or with the signal's reason once it is aborted. */
export function retrying<T>(policy: OnError, signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
  if (typeof policy === 'string') return Promise.resolve().then(work);
  const pause = (_: unknown, failures: number): number | undefined =>
    failures > policy.retry ? undefined : policy.delaySeconds * 1000 * 2 ** (failures - 1);
  return retried(work, { pause, signal });
}

/** What a policy does with an item when all tries have failed. */
export const finalAction = (policy: OnError): 'fail' | 'skip' => (typeof policy === 'string' ? policy : policy.then);
