// What the map knows: its places and where it looks, for as long as the page is open.

import { computed, signal } from '@preact/signals';
import type { Explorer } from '../state/explorer.ts';
import { boundsOfAll, fitted, squeezeOf, viewOf, within, type Camera } from './camera.ts';
import { seenAt, spotsOf, type Spot } from './spots.ts';
import { turnsSeen } from './draw-map.ts';

export type MapState = ReturnType<typeof makeState>;

const states = new WeakMap<Explorer, MapState>();

/** The one state of an explorer. */
export function mapState(explorer: Explorer): MapState {
  const state = states.get(explorer) ?? makeState(explorer);
  states.set(explorer, state);
  return state;
}

function makeState(explorer: Explorer) {
  const { bundle, sequence, frame, clip, found, layer, picks } = explorer;
  const spots = spotsOf(bundle);
  const squeeze = squeezeOf(spots.all);
  /** Of the canvas, in pixels of the page. */
  const size = signal({ width: 1, height: 1 });
  /** `undefined` for all places. */
  const chosen = signal<Camera | undefined>(undefined);
  const camera = computed(() => chosen.value ?? fitted(boundsOfAll(spots.all), squeeze, size.value));
  const view = computed(() => viewOf(camera.value, squeeze, size.value.width, size.value.height));
  const current = computed(() => (clip.value === undefined ? undefined : spots.all[spots.ofClip[clip.value]!]));
  const inView = computed(() => {
    const seen = view.value;
    const [, north] = seen.toDegrees(0, 0);
    const [, south] = seen.toDegrees(0, seen.height);
    return spots.all.filter(
      ({ bounds: [west, foot, east, top] }) => foot <= north && top >= south && turnsSeen(seen, west, east).length > 0,
    );
  });
  /**
   * How like the picks all tokens are, and the likest, which places have colours between; absent where nothing is
   * looked for.
   */
  const likeness = computed((): readonly [mean: number, best: number] | undefined => {
    if (!found.value || picks.value.length === 0 || layer.value !== 'similarity') return undefined;
    const { mean, best } = found.value.overall;
    return [mean, best];
  });
  /** Counts pictures that have come. */
  const redraws = signal(0);
  return {
    spots,
    redraws,
    redraw: (): void => void (redraws.value = redraws.peek() + 1),
    squeeze,
    size,
    chosen,
    camera,
    view,
    current,
    inView,
    likeness,
    seen: (spot: Spot) => seenAt(bundle, spot, { clip: clip.value, sequence: sequence.value, frame: frame.value }),
    look(to: Camera): void {
      chosen.value = within(to, squeeze, size.value.width);
    },
    /** To the clip of a place that is nearest in time to the one that was looked at. */
    go(spot: Spot): void {
      const to = seenAt(bundle, spot, { clip: clip.value, sequence: sequence.value, frame: frame.value });
      explorer.toPlace(bundle.clips[to.clip]!.sequence, to.frame);
    },
  };
}
