// Turns Ctrl-C and SIGTERM into an AbortSignal; a second one ends the process at once.

import { exitCodes } from './exit-codes.ts';
import { remark } from './print.ts';

export interface Cancelling {
  readonly signal: AbortSignal;
  /** The exit status, once a signal has come. */
  readonly status: () => number | undefined;
}

const signals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

/** Does work that can be cancelled; `onCancel` is called when the first signal comes. */
export async function cancellable<T>(
  work: (cancelling: Cancelling) => Promise<T>,
  onCancel: () => void = () => remark('Stopping; once more to stop at once.'),
): Promise<T> {
  const controller = new AbortController();
  let status: number | undefined;
  const handlers = Object.entries(signals).map(([name, code]) => {
    const handler = (): void => {
      if (status !== undefined) process.exit(code);
      status = code;
      onCancel();
      controller.abort(new Error(`cancelled by ${name}`));
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  try {
    return await work({ signal: controller.signal, status: () => status });
  } finally {
    for (const remove of handlers) remove();
  }
}
