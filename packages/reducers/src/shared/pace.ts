// Runs long loops in slices, so that timers, progress and cancelling get their turn.

/** Work cut into steps of a few milliseconds at most: it yields between them and returns its result. */
export type Sliced<T> = Generator<void, T, void>;

const sliceMilliseconds = 12;

/** Lets everything else that waits have its turn. */
export const pause = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    }
  });

/** Runs sliced work to its end; throws the signal's reason when it is aborted between two slices. */
export async function runSliced<T>(work: Sliced<T>, signal?: AbortSignal): Promise<T> {
  let sliceEnd = performance.now() + sliceMilliseconds;
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < sliceEnd) continue;
    await pause();
    signal?.throwIfAborted();
    sliceEnd = performance.now() + sliceMilliseconds;
  }
}

/** Runs sliced work at once, for small inputs, workers and tests. */
export function runAtOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
