// Plays a sequence, as fast as its pictures come.

import { effect } from '@preact/signals';
import type { Explorer } from './explorer.ts';

/** Where nothing says how fast frames were taken, or they were taken hours apart. */
const usualRate = 12;
/** Rates that can be followed, in frames a second. */
const [slowest, fastest] = [2, 60];

/** Frames a second that a sequence is shown with. */
export function rateOf({ seconds }: { readonly seconds?: readonly (number | null)[] }): number {
  const known = (seconds ?? []).filter((each): each is number => each !== null);
  const rate = (known.length - 1) / (known.at(-1)! - known[0]!);
  return rate >= slowest && rate <= fastest ? rate : usualRate;
}

/** Goes on while `playing` is set; starts anew at the end. A frame whose picture is under way is waited for. */
export function play({ playing, bundle, sequence, frame, frames, lastFrame }: Explorer): void {
  effect(() => {
    if (!playing.value) return;
    const which = sequence.value;
    const pause = 1000 / rateOf(bundle.sequences[which]!);
    const without = new Set(bundle.sequences[which]!.without);
    let shownAt = performance.now();
    let request = requestAnimationFrame(function next(now) {
      request = requestAnimationFrame(next);
      if (now - shownAt < pause) return;
      const to = frame.peek() >= lastFrame() ? 0 : frame.peek() + 1;
      frames.prepare(which, [to, to + 1, to + 2, to + 3]);
      if (!without.has(to) && !frames.peek(which, to)) return;
      shownAt = Math.max(shownAt + pause, now - pause);
      frame.value = to;
    });
    return () => cancelAnimationFrame(request);
  });
}
