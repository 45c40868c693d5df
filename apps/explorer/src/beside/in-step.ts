// Keeps two explorers at the same frame, with the same picks, and shown in the same way.

import { batch, effect } from '@preact/signals';
import type { Explorer } from '../state/explorer.ts';
import type { Pick } from '../state/picks.ts';
import { pairFrames, type FramePairs, type FramePlace } from './frame-pairs.ts';
import { pickThere } from './same-place.ts';

/** Follows both; what is done in one is done in the other as far as it has the frame. */
export function keepInStep(a: Explorer, b: Explorer): FramePairs {
  const pairs = pairFrames(a.bundle, b.bundle);
  // The address speaks of the first.
  followFrame(a, b, pairs.there, true);
  followFrame(b, a, pairs.here, false);
  followPicks(a, b, pairs);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const)
    effect(() => {
      const [layer, opacity, colorMap, smooth, groups] = [
        from.layer.value,
        from.opacity.value,
        from.colorMap.value,
        from.smooth.value,
        from.clusterCount.value,
      ];
      batch(() => {
        // Layers of a run are its own: the other run shows its colours then.
        const before = to.layer.peek();
        if (typeof layer !== 'number') to.layer.value = layer;
        else if (typeof before !== 'number') to.layer.value = to.bundle.layers.length > 0 ? 0 : before;
        to.opacity.value = opacity;
        to.colorMap.value = colorMap;
        to.smooth.value = smooth;
        to.clusterCount.value = groups;
      });
    });
  return pairs;
}

function followFrame(
  from: Explorer,
  to: Explorer,
  there: (place: FramePlace) => FramePlace | undefined,
  fromStart: boolean,
): void {
  let started = fromStart;
  effect(() => {
    const place = there({ sequence: from.sequence.value, frame: from.frame.value });
    const follows = started;
    started = true;
    if (!place || !follows) return;
    batch(() => {
      to.sequence.value = place.sequence;
      to.frame.value = place.frame;
    });
  });
}

function followPicks(a: Explorer, b: Explorer, pairs: FramePairs): void {
  /** What was put there from the other side is not brought back. */
  const brought = new WeakSet<readonly Pick[]>([b.picks.peek()]);
  const follow = (from: Explorer, to: Explorer, there: FramePairs['there']): void => {
    effect(() => {
      const picks = from.picks.value;
      if (brought.has(picks)) return;
      const found = picks.flatMap((pick) => pickThere(from.bundle, to.bundle, pick, there) ?? []);
      if (found.length === 0 && to.picks.peek().length === 0) return;
      brought.add(found);
      to.picks.value = found;
    });
  };
  follow(a, b, pairs.there);
  follow(b, a, pairs.here);
}
