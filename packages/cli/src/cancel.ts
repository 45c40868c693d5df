// Turns Ctrl-C, SIGTERM and SIGHUP into an AbortSignal; a second one ends the process at once.

import { DeepEarthError } from '@deepearth/core/errors';
import { exitIsMeant, placeOf } from './early-exit.ts';
import { exitCodes } from './exit-codes.ts';
import { remark } from './print.ts';

export interface Cancelling {
  /** Aborted by a signal, or with a `DeepEarthError` when something failed outside of the work that is waited for. */
  readonly signal: AbortSignal;
  /** The exit status, once a signal has come. */
  readonly status: () => number | undefined;
}

const signals = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp,
} as const;

/** What is under way, for errors that nobody waits for. */
let underWay: AbortController | undefined;

/** What a command says when it is cancelled. */
export interface CancelWords {
  /** Called when the first signal comes. */
  readonly onCancel?: () => void;
  /** What is so once the work has ended for it. */
  readonly stopped?: string;
}

/** Does work that can be cancelled. Returns its status, or that of the signal where it failed after one had come. */
export async function cancellable(
  work: (cancelling: Cancelling) => Promise<number>,
  { onCancel = () => remark('Stopping; once more to stop at once.'), stopped }: CancelWords = {},
): Promise<number> {
  const controller = new AbortController();
  let status: number | undefined;
  let over = false;
  for (const [name, code] of Object.entries(signals))
    // Stays until the process ends: a signal that comes when the work is done changes nothing any more.
    process.on(name, () => {
      if (status !== undefined) endNow(name as NodeJS.Signals, code);
      status = code;
      if (over) return;
      onCancel();
      controller.abort(new Error(`cancelled by ${name}`));
    });
  // A command that another program started with a channel to it ends with that program.
  if (process.connected) process.on('disconnect', () => process.kill(process.pid, 'SIGHUP'));
  // To listen must not keep the process when its work is done, unless it takes messages.
  if (process.listenerCount('message') === 0) process.channel?.unref();
  underWay = controller;
  try {
    return await work({ signal: controller.signal, status: () => (over ? undefined : status) });
  } catch (error) {
    if (status === undefined) throw error;
    if (stopped) remark(stopped);
    return status;
  } finally {
    over = true;
    underWay = undefined;
  }
}

/** Ends the work under way for an error that nobody waits for (thrown in a timer); false where there is none. */
export function failUnderWay(error: unknown): boolean {
  if (!underWay || underWay.signal.aborted) return false;
  const place = error instanceof Error ? placeOf(error.stack ?? '') : undefined;
  underWay.abort(
    new DeepEarthError(
      `an error was thrown outside of the work of any stage: ${error instanceof Error ? error.message : String(error)}${place ? ` (${place})` : ''}`,
      {
        code: 'E_STRAY',
        remedy: 'Look for a timer, an event or a promise there that nobody waits for.',
        cause: error,
      },
    ),
  );
  return true;
}

/**
 * Ends the process by the signal itself, as a shell expects it (it shows 128 + its number), once those who have
 * something to free have done so. An ordinary exit would wait for threads, and one inside of ONNX Runtime cannot be
 * ended.
 */
function endNow(name: NodeJS.Signals, code: number): void {
  exitIsMeant();
  process.on('exit', () => {
    if (process.platform === 'win32') return;
    process.removeAllListeners(name);
    process.kill(process.pid, name);
  });
  process.exit(code);
}
