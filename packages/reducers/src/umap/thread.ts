// The working side of the engine: runs jobs against a memory, in a worker or, where there is none, beside the caller.

import { pause } from '../shared/pace.ts';
import { control, Stopped, type JobContext } from './context.ts';
import { jobs, type JobName } from './jobs.ts';
import { memoryOf, pageBytes, startKernel, type Kernel, type KernelMemory } from './kernel.ts';
import { warmUp } from './products.ts';

export interface ThreadSetup {
  readonly index: number;
  readonly threads: number;
  /** The memory, when threads share it; else the thread makes one of `bytes`. */
  readonly memory?: KernelMemory;
  readonly bytes: number;
  /** Whether ONNX Runtime will be wanted: it is loaded at once then. */
  readonly onnx?: boolean;
  /** The words that all threads share, when they can share memory. */
  readonly control?: Int32Array;
}

export interface Thread {
  readonly main: Kernel;
  /**
   * Runs one job; `progress` hears how many units are done where memory is not shared. Rejects with `Stopped` when told
   * to stop.
   */
  run(name: JobName, params: unknown, progress: (done: number) => void): Promise<unknown>;
  /** Stops the job that runs, from the same thread. */
  stop(): void;
}

/** A thread of its own that shares nothing lets others have their turn this often. */
const breathMilliseconds = 10;

/** Makes the working side. */
export async function startThread({
  index,
  threads,
  memory,
  bytes,
  onnx,
  control: words = new Int32Array(control.words),
}: ThreadSetup): Promise<Thread> {
  if (onnx) await warmUp(() => Atomics.load(words, control.stop) !== 0);
  const main = await startKernel(memory ?? memoryOf(bytes, false));
  const alone = memory === undefined;
  let scratch: Kernel | undefined;

  const context: JobContext = {
    index,
    threads,
    main,
    async scratch(size) {
      scratch ??= await startKernel(memoryOf(size, false));
      const missing = size - scratch.memory.buffer.byteLength;
      if (missing > 0) scratch.memory.grow(Math.ceil(missing / pageBytes));
      return scratch;
    },
    take: () => Atomics.add(words, control.task, 1),
    finish() {
      Atomics.add(words, control.done, 1);
      Atomics.notify(words, control.done);
    },
    waitFor(tasks) {
      for (let spin = 0; ; spin++) {
        const done = Atomics.load(words, control.done);
        if (done >= tasks) return;
        if (Atomics.load(words, control.stop)) throw new Stopped();
        if (spin > 500) Atomics.wait(words, control.done, done, 20);
      }
    },
  };

  return {
    main,
    stop: () => void Atomics.store(words, control.stop, 1),
    async run(name, params, progress) {
      if (alone) words.fill(0);
      const job = jobs[name](context, params as never);
      let breath = performance.now();
      for (;;) {
        const { done, value } = await job.next();
        if (done) return value;
        if (Atomics.load(words, control.stop)) {
          await job.return(undefined as never);
          throw new Stopped();
        }
        if (!alone) {
          Atomics.add(words, control.progress, value as number);
        } else {
          progress(value as number);
          if (performance.now() - breath > breathMilliseconds) {
            await pause();
            breath = performance.now();
          }
        }
      }
    },
  };
}
