// Hands values from one loop to another, one at a time: the giver waits until the taker has come for the next.

export interface Channel<T> extends AsyncIterable<T> {
  /** Settles when the value has been taken and the taker asks for more, or has stopped. */
  push(value: T): Promise<void>;
  end(): void;
  /** The taker's loop throws this. */
  fail(error: unknown): void;
}

type Step<T> = { value: T; taken: () => void } | { error: unknown } | 'end';

/** Made for one giver, who awaits each push, and one taker. */
export function channel<T>(): Channel<T> {
  let waiting: Step<T> | undefined;
  let wake: (() => void) | undefined;
  let stopped = false;
  const put = (step: Step<T>): void => {
    waiting = step;
    wake?.();
  };
  return {
    push: (value) => (stopped ? Promise.resolve() : new Promise((taken) => put({ value, taken }))),
    end: () => put('end'),
    fail: (error) => put({ error }),
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          if (waiting === undefined) await new Promise<void>((resolve) => (wake = resolve));
          const step: Step<T> = waiting!;
          waiting = undefined;
          if (step === 'end') return;
          if ('error' in step) throw step.error;
          try {
            yield step.value;
          } finally {
            step.taken();
          }
        }
      } finally {
        stopped = true;
      }
    },
  };
}
