// Lets everything else that waits have its turn, in long work on this thread.

/** Throws when the work is cancelled. */
export async function turn(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
