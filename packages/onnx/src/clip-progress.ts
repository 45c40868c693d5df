// How far a stage is with its clips, inside a clip too.

import type { StageContext } from '@deepearth/core/stage';

/** Watches the calls of a stage's devices. */
export interface ClipProgress {
  /**
   * A call of so many clips (a part of one, where a clip is several calls) begins; call what is returned when it ends.
   */
  begin(clips: number): () => void;
  /** A clip has its tokens, or was left out. */
  done(): void;
  close(): void;
}

/** A call that takes longer is told of while it runs. */
const longMs = 3000;
const tellMs = 1000;
/** A call that takes longer than the ones before is not said to be done. */
const almost = 0.99;
const keptCalls = 15;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * Reports each clip; of a call of several seconds, each second how far it is by the median of the calls before: an
 * estimate, since ONNX Runtime says nothing between the begin of a call and its end. Nothing is said in the first call.
 */
export function clipProgress({ progress }: Pick<StageContext, 'progress'>, total: number | null): ClipProgress {
  let done = 0;
  /** Clips of calls that have ended, the ones that are done included. */
  let ended = 0;
  /** Milliseconds for a clip, of the last calls. */
  let paces: number[] = [];
  const running = new Set<{ readonly clips: number; readonly since: number }>();

  const tell = (): void => {
    const now = performance.now();
    if (paces.length === 0 || ![...running].some(({ since }) => now - since > longMs)) return;
    const pace = median(paces);
    let estimated = ended;
    for (const { clips, since } of running) estimated += clips * Math.min(almost, (now - since) / (clips * pace));
    progress('encode', done, total, Math.min(estimated, total ?? Infinity));
  };
  const timer = setInterval(tell, tellMs);
  (timer as { unref?: () => void }).unref?.();

  return {
    begin(clips) {
      const call = { clips, since: performance.now() };
      running.add(call);
      return () => {
        running.delete(call);
        ended += clips;
        paces = [...paces.slice(1 - keptCalls), (performance.now() - call.since) / clips];
      };
    },
    done() {
      done++;
      // Calls that failed are no longer counted once nothing runs.
      ended = running.size === 0 ? done : Math.max(ended, done);
      progress('encode', done, total);
    },
    close: () => clearInterval(timer),
  };
}
