// How long the Hub is asked again.

const timeOuts: ReadonlySet<unknown> = new Set([
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** An error and what caused it, and what caused that. */
export function* causesOf(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at;
}

/** Whether a request got no answer in time, by the codes of the error and of what caused it. */
export function isTimeOut(error: unknown): boolean {
  return [...causesOf(error)].some(
    (one) => timeOuts.has((one as NodeJS.ErrnoException).code) || one.name === 'TimeoutError',
  );
}

/**
 * Milliseconds before the next attempt after so many in vain; `undefined` to give up. A network that is slow is asked
 * on for as long as the signal allows; without a signal, and where nobody is there, the pauses end it.
 */
export const pauseBeforeNext = (
  error: unknown,
  vain: number,
  { pauses, signal }: { readonly pauses: readonly number[]; readonly signal?: AbortSignal | undefined },
): number | undefined => pauses[vain - 1] ?? (signal && isTimeOut(error) ? pauses.at(-1) : undefined);
