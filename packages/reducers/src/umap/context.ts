// What a job sees of the thread it runs in.

import type { Kernel } from './kernel.ts';

/** Words of the control block that all threads share. */
export const control = { stop: 0, task: 1, progress: 2, done: 3, words: 16 } as const;

/** Work cut into steps of some milliseconds: yields how many units it did, returns its result. */
export type Job<T> = AsyncGenerator<number, T, void>;

export interface JobContext {
  readonly index: number;
  readonly threads: number;
  /** Bound to the memory that all threads share. */
  readonly main: Kernel;
  /**
   * Bound to a memory of this thread's own, at least `bytes` long. It grows, since one that is replaced would stay
   * until it is collected.
   */
  scratch(bytes: number): Promise<Kernel>;
  /** The next number that no thread has taken: 0, 1, 2 … */
  take(): number;
  /** Says that a task is done. */
  finish(): void;
  /**
   * Blocks until `tasks` tasks are done by all threads together. Throws `Stopped` when the run is stopped meanwhile.
   */
  waitFor(tasks: number): void;
}

/** The run was asked to stop, or another thread failed. */
export class Stopped extends Error {}
