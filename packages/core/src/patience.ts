// Waits for work that may never settle: until the process has nothing else left to do, or for a while after an abort.

/** How long work may go on after it was told to stop. */
export const graceMilliseconds = 5000;

interface NodeProcess {
  on(event: 'beforeExit', listener: () => void): void;
  off(event: 'beforeExit', listener: () => void): void;
}
const node = (): NodeProcess | undefined => (globalThis as { process?: Partial<NodeProcess> }).process as NodeProcess;

const waiting = new Set<() => void>();
/** In a turn of its own, which also keeps the process alive for what follows from it. */
const idle = (): void =>
  void setTimeout(() => {
    for (const tell of [...waiting]) tell();
  }, 0);

/** Calls `tell` whenever the process has nothing left to do but would still end with this wait open. Node only. */
function onIdle(tell: () => void): () => void {
  if (waiting.size === 0) node()?.on?.('beforeExit', idle);
  waiting.add(tell);
  return () => {
    waiting.delete(tell);
    if (waiting.size === 0) node()?.off?.('beforeExit', idle);
  };
}

/** What is done about work that does not settle. */
export interface Patience {
  /** Aborted when the work is to end. */
  readonly signal: AbortSignal;
  /**
   * The process has nothing left that could settle the work. Returns the error to reject with; none when it has aborted
   * the signal instead.
   */
  stalled(): unknown;
}

/**
 * What the work settles with. Rejects with the reason of the signal when that was aborted and the work does not end:
 * after `graceMilliseconds`, or at once when the process has nothing left to do that could end it.
 */
export function patiently<T>(work: Promise<T>, { signal, stalled }: Patience): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = (): void => {
      timer = setTimeout(() => settle(() => reject(signal.reason)), graceMilliseconds);
      // Where nothing else goes on, the process is idle, which is told sooner.
      (timer as { unref?(): void }).unref?.();
    };
    const onNothingLeft = (): void => {
      if (signal.aborted) return settle(() => reject(signal.reason));
      const error = stalled();
      if (error !== undefined) settle(() => reject(error));
    };
    const forget = onIdle(onNothingLeft);
    const settle = (tell: () => void): void => {
      forget();
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      tell();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
