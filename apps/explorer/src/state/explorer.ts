// All that the page knows and does; the view draws it.

import { batch, computed, effect, signal } from '@preact/signals';
import { colorMapNames, type ColorMapName } from '@deepearth/vision/colormaps';
import { clipOfFrame, frameOfStep, stepOf, type Bundle } from '../bundle/bundle.ts';
import type { Lasso } from './scatter.ts';
import { frameCache } from '../bundle/frame-cache.ts';
import { searchPool, type Found } from '../search/search-pool.ts';
import { clipTokens } from './clip-tokens.ts';
import type { Clusters } from './clusters.ts';
import type { Logistic } from '../bundle/logistic.ts';
import { fitLabels, noLabels, type Mark } from './labels.ts';
import { bestMatches, type Match } from './matches.ts';
import { isIn, queryOf, type Pick } from './picks.ts';
import { fromHash, toHash, type UrlState } from './url-state.ts';

/** What a token looks like in the video; a number is a layer of the run. */
export type Layer = 'none' | 'colors' | 'similarity' | 'change' | 'clusters' | 'labels' | number;

/** What fills the page: a frame, the map, or the run itself. */
export type View = 'frames' | 'map' | 'run';

/** A cell of the grid under the pointer, or where the keyboard is. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

export type Explorer = ReturnType<typeof makeExplorer>;

const matchCount = 24;

/** Starts to load; `hash` is that of the address, which follows unless `address` is false. */
export function makeExplorer(bundle: Bundle, hash: string, { address: addressed = true } = {}) {
  const usual: UrlState = {
    sequence: 0,
    frame: 0,
    picks: [],
    layer: 'colors',
    opacity: 0.6,
    colorMap: 'inferno',
    clusters: 8,
    view: 'frames',
  };
  const first = placeNamed(hash, usual, bundle);
  const sequence = signal(first.sequence);
  const frame = signal(first.frame);
  const picks = signal<readonly Pick[]>(first.picks);
  const layer = signal<Layer>(first.layer);
  const opacity = signal(first.opacity);
  const colorMap = signal<ColorMapName>(first.colorMap);
  const clusterCount = signal(first.clusters);
  const view = signal<View>(first.view);
  const smooth = signal(false);
  const playing = signal(false);
  const cell = signal<Cell | undefined>(undefined);
  const chunksThere = signal(0);
  const message = signal('');
  const query = signal<Float32Array | undefined>(undefined);
  const found = signal<Found | undefined>(undefined);
  const clusters = signal<Clusters | undefined>(undefined);
  const clusterNames = signal<readonly string[]>([]);
  /** The group that alone is shown, where one is. */
  const onlyCluster = signal<number | undefined>(undefined);
  const labels = signal(noLabels);
  /** What follows from the labels; `undefined` while there are too few. */
  const labelModel = signal<Logistic | undefined>(undefined);
  /** Tokens outside of it are faint. */
  const lasso = signal<Lasso | undefined>(undefined);

  const pool = searchPool(bundle, {
    progress: (chunks) => (chunksThere.value = chunks),
    failed: (text) => (message.value = `Some tokens could not be loaded: ${text}`),
  });
  const frames = frameCache(bundle);
  const stored = clipTokens(bundle, pool);

  const clip = computed(() => clipOfFrame(bundle, sequence.value, frame.value));
  const step = computed(() => (clip.value === undefined ? 0 : stepOf(bundle.clips[clip.value]!, frame.value)));
  const loaded = computed(() => chunksThere.value >= bundle.chunks.length);
  const matches = computed((): Match[] =>
    found.value && query.value
      ? bestMatches(bundle, found.value, picks.value, {
          count: matchCount,
          perClip: Math.max(2, Math.ceil(matchCount / bundle.clips.length)),
        })
      : [],
  );

  /** The query of the picks; what comes late of picks that have changed is let go. */
  let asked = 0;
  const seek = async (wanted: readonly Pick[]): Promise<void> => {
    const mine = ++asked;
    const vector = await queryOf(bundle, wanted, stored.tokens);
    if (mine !== asked) return;
    query.value = vector;
    if (!vector) {
      found.value = undefined;
      return;
    }
    const result = await pool.search(vector);
    if (mine === asked) found.value = result;
  };
  effect(() => {
    const wanted = picks.value;
    // Whatever has come since is searched too; while chunks come, now and then.
    const there = chunksThere.value;
    if (there > 1 && !loaded.value && there % 16 !== 0) return;
    void seek(wanted).catch((error: unknown) => (message.value = String(error)));
  });

  let fitted = 0;
  effect(() => {
    const mine = ++fitted;
    fitLabels(bundle, labels.value, stored.tokens).then(
      (model) => {
        if (mine === fitted) labelModel.value = model;
      },
      (error: unknown) => (message.value = String(error)),
    );
  });

  /** The address as this page last wrote or followed it: where it is another, the user has just put it there. */
  let address = location.hash;
  let writing: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const state: UrlState = {
      sequence: sequence.value,
      frame: frame.value,
      picks: picks.value,
      layer: layerName(layer.value, bundle),
      opacity: opacity.value,
      colorMap: colorMap.value,
      clusters: clusterCount.value,
      view: view.value,
    };
    if (!addressed) return;
    clearTimeout(writing);
    // Browsers refuse an address that changes with every frame.
    writing = setTimeout(() => {
      if (location.hash !== address) return;
      history.replaceState(null, '', `#${toHash(state, usual)}`);
      address = location.hash;
    }, 250);
  });

  const lastFrame = (): number => Math.max(0, (bundle.sequences[sequence.value]?.numbers.length ?? 1) - 1);

  return {
    bundle,
    frames,
    stored,
    sequence,
    frame,
    clip,
    step,
    picks,
    layer,
    opacity,
    colorMap,
    smooth,
    view,
    playing,
    cell,
    chunksThere,
    loaded,
    message,
    query,
    found,
    matches,
    clusters,
    clusterCount,
    clusterNames,
    onlyCluster,
    lasso,
    labels,
    labelModel,
    pool,
    lastFrame,

    /** To a frame of the sequence that is shown; stays within it. */
    toFrame(to: number): void {
      frame.value = Math.min(lastFrame(), Math.max(0, to));
    },
    toSequence(to: number): void {
      batch(() => {
        sequence.value = to;
        frame.value = 0;
      });
    },
    /** To a frame of any sequence. */
    toPlace(which: number, at: number): void {
      batch(() => {
        sequence.value = which;
        frame.value = at;
      });
    },
    /** To what an address that came from outside names. */
    follow(hash: string): void {
      if (hash === address) return;
      clearTimeout(writing);
      address = hash;
      const named = placeNamed(hash, usual, bundle);
      batch(() => {
        playing.value = false;
        sequence.value = named.sequence;
        frame.value = named.frame;
        picks.value = named.picks;
        layer.value = named.layer;
        opacity.value = named.opacity;
        colorMap.value = named.colorMap;
        clusterCount.value = named.clusters;
        view.value = named.view;
      });
    },
    /** To the first frame that a step of a clip saw. */
    toStep(to: number, at: number): void {
      batch(() => {
        playing.value = false;
        sequence.value = bundle.clips[to]!.sequence;
        frame.value = frameOfStep(bundle.clips[to]!, at);
      });
    },
    /** Looks for a pick alone, or for it beside the others. */
    pick(wanted: Pick, beside: boolean): void {
      batch(() => {
        picks.value = beside ? [...picks.value, wanted] : [wanted];
        if (layer.value !== 'similarity') layer.value = 'similarity';
      });
    },
    drop(index: number): void {
      picks.value = picks.value.filter((_, i) => i !== index);
    },
    /** Gives a token a label; another that it had goes, and the same one too, which takes it away. */
    mark(place: Omit<Mark, 'label'>, label: number): void {
      const { names, marks } = labels.value;
      const same = (mark: Mark): boolean =>
        (['clip', 'step', 'row', 'column'] as const).every((part) => mark[part] === place[part]);
      const before = marks.find(same);
      const others = marks.filter((mark) => !same(mark));
      batch(() => {
        labels.value = { names, marks: before?.label === label ? others : [...others, { ...place, label }] };
        layer.value = 'labels';
      });
    },
    clear(): void {
      picks.value = [];
    },
    /** Groups the tokens anew; nothing where they are grouped so already. */
    async group(): Promise<void> {
      const count = clusterCount.value;
      if (clusters.value?.centers.length === count) return;
      const [{ makeClusters }, sample] = await Promise.all([import('./clusters.ts'), pool.sample(20_000)]);
      const made = await makeClusters(bundle.code, sample.tokens, count);
      if (clusterCount.value === count)
        batch(() => {
          clusters.value = made;
          onlyCluster.value = undefined;
        });
    },
  };
}

/** The state that an address names, within what the bundle holds. */
function placeNamed(hash: string, usual: UrlState, bundle: Bundle) {
  const said = fromHash(hash, usual);
  const sequence = Math.min(said.sequence, bundle.sequences.length - 1);
  return {
    ...said,
    sequence,
    frame: Math.min(said.frame, Math.max(0, (bundle.sequences[sequence]?.numbers.length ?? 1) - 1)),
    picks: said.picks.filter((pick) => isIn(pick, bundle)),
    layer: layerNamed(said.layer, bundle),
    colorMap: colorMapNames.find((name) => name === said.colorMap) ?? 'inferno',
    clusters: Math.min(24, Math.max(2, said.clusters)),
    view: viewNamed(said.view, bundle),
  };
}

function viewNamed(name: string, { places }: Bundle): View {
  if (name === 'map' && places) return 'map';
  return name === 'run' ? 'run' : 'frames';
}

function layerNamed(name: string, { layers }: Bundle): Layer {
  // Labels are not in the address, so neither is their layer.
  const names = ['none', 'colors', 'similarity', 'change', 'clusters'] as const;
  const index = layers.findIndex((each) => each.name === name);
  return names.find((each) => each === name) ?? (index >= 0 ? index : 'colors');
}

/** What a layer is called in the address. */
export const layerName = (layer: Layer, { layers }: { readonly layers: Bundle['layers'] }): string =>
  typeof layer === 'number' ? (layers[layer]?.name ?? 'colors') : layer;
