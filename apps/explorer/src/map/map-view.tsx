// The map: where clips lie, with their pictures and colours in place.

import { computed, effect, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { colorMap } from '@deepearth/vision/colormaps';
import { stepOf } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import { pickMode } from '../state/pick-mode.ts';
import { schemeChanges, theme } from '../state/theme.ts';
import { followSize } from '../view/canvas-size.ts';
import { cssColor } from '../view/css-color.ts';
import { Legend } from '../view/legend.tsx';
import { plural } from '../view/words.ts';
import { metersOfDegree, roundLength, zoomed } from './camera.ts';
import { drawMap, isDot, sizeOf, spotAt, type DrawnSpot } from './draw-map.ts';
import { mapColors, type MapColors } from './map-colors.ts';
import { mapPictures, smallEdge, type MapPictures } from './map-pictures.ts';
import { mapState, type MapState } from './map-state.ts';
import { degreesText, pixelAt, type Point, type Spot } from './spots.ts';

/** A place that is this large has the colours of its tokens. */
const leastCells = 24;
/** Pixels that an arrow key moves the map by. */
const keyStep = 80;
/** Pixels that a pointer may move in a click. */
const steady = 4;

export function MapView({ explorer }: { explorer: Explorer }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const state = useMemo(() => mapState(explorer), [explorer]);
  const pointer = useSignal<Point | undefined>(undefined);
  const under = useSignal<Spot | undefined>(undefined);

  useEffect(() => draw(canvas.current!, explorer, state, under), [explorer]);
  useEffect(() => listen(canvas.current!, explorer, state, pointer, under), [explorer]);

  const { view, camera, squeeze } = state;
  const zoom = (factor: number): void => state.look(zoomed(camera.value, view.value, squeeze, factor));
  return (
    <div class="stage map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Map of the places of clips. Arrow keys move it, plus and minus zoom, 0 shows all places, Enter shows the frames of the current clip. The places are listed beside it."
        aria-describedby="map-status"
        onKeyDown={(event) => pressed(event, explorer, state)}
      />
      <div class="map-buttons">
        <button type="button" class="icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoom(2)}>
          +
        </button>
        <button type="button" class="icon" aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoom(0.5)}>
          −
        </button>
        <button
          type="button"
          class="icon"
          aria-label="Show all places"
          title="Show all places (0)"
          onClick={() => (state.chosen.value = undefined)}
        >
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor">
            <path stroke-width="1.6" d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" />
          </svg>
        </button>
      </div>
      <p id="map-status" class="stage-status" data-empty={!pointer.value}>
        {pointer.value &&
          `${degreesText(pointer.value, Math.min(6, Math.max(1, Math.ceil(Math.log10(view.value.down)))))}${under.value ? ` · ${under.value.name}` : ''}`}
      </p>
      <ScaleBar state={state} />
      <Legend explorer={explorer} limits={state.likeness.value} />
    </div>
  );
}

function ScaleBar({ state: { view, camera } }: { state: MapState }) {
  const [, latitude] = camera.value.middle;
  const metersOfPixel = (metersOfDegree * Math.max(0.01, Math.cos((latitude * Math.PI) / 180))) / view.value.across;
  const meters = roundLength(metersOfPixel * 110);
  return (
    <div class="scale-bar" style={{ width: `${meters / metersOfPixel}px` }}>
      {meters >= 1000 ? `${meters / 1000} km` : meters >= 1 ? `${meters} m` : `${meters * 100} cm`}
    </div>
  );
}

function pressed(event: KeyboardEvent, explorer: Explorer, state: MapState): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { camera, view, squeeze } = state;
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-keyStep, 0],
    ArrowRight: [keyStep, 0],
    ArrowUp: [0, -keyStep],
    ArrowDown: [0, keyStep],
  };
  const move = moves[event.key];
  const seen = view.value;
  if (move)
    state.look({ ...camera.value, middle: seen.toDegrees(seen.width / 2 + move[0], seen.height / 2 + move[1]) });
  else if (event.key === '+' || event.key === '=') state.look(zoomed(camera.value, seen, squeeze, 1.5));
  else if (event.key === '-') state.look(zoomed(camera.value, seen, squeeze, 1 / 1.5));
  else if (event.key === '0') state.chosen.value = undefined;
  else if (event.key === 'Enter') explorer.view.value = 'frames';
  else return;
  event.preventDefault();
  event.stopPropagation();
}

type Settable<T> = { value: T };

/** Pointers move, pinch and choose; returns what ends it. */
function listen(
  canvas: HTMLCanvasElement,
  explorer: Explorer,
  state: MapState,
  pointer: Settable<Point | undefined>,
  under: Settable<Spot | undefined>,
): () => void {
  const { camera, view, squeeze, inView } = state;
  const down = new Map<number, readonly [x: number, y: number]>();
  let moved = 0;
  const placeOf = ({ clientX, clientY }: MouseEvent): readonly [number, number] => {
    const { left, top } = canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const spread = (): number => {
    const [a, b] = [...down.values()];
    return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
  };
  const middle = (): readonly [number, number] => {
    const all = [...down.values()];
    return [all.reduce((sum, [x]) => sum + x, 0) / all.length, all.reduce((sum, [, y]) => sum + y, 0) / all.length];
  };

  const handlers = {
    pointerdown(event: PointerEvent) {
      if (event.button !== 0) return;
      if (down.size === 0) moved = 0;
      down.set(event.pointerId, placeOf(event));
      canvas.setPointerCapture(event.pointerId);
    },
    pointermove(event: PointerEvent) {
      const at = placeOf(event);
      const from = down.get(event.pointerId);
      if (from) {
        const [before, wide] = [middle(), spread()];
        down.set(event.pointerId, at);
        const after = middle();
        moved += Math.hypot(at[0] - from[0], at[1] - from[1]);
        if (moved > steady) {
          const seen = view.value;
          const [x, y] = [seen.width / 2 - (after[0] - before[0]), seen.height / 2 - (after[1] - before[1])];
          state.look({ ...camera.value, middle: seen.toDegrees(x, y) });
          if (wide > 0) state.look(zoomed(camera.value, view.value, squeeze, spread() / wide, ...after));
        }
      }
      pointer.value = view.value.toDegrees(...at);
      under.value = moved > steady && down.size > 0 ? undefined : spotAt(inView.value, view.value, ...at);
      canvas.style.cursor = down.size > 0 && moved > steady ? 'grabbing' : under.value ? 'pointer' : 'grab';
    },
    pointerup(event: PointerEvent) {
      const known = down.delete(event.pointerId);
      if (!known || moved > steady || down.size > 0) return;
      const at = placeOf(event);
      const spot = spotAt(inView.value, view.value, ...at);
      if (!spot) return;
      // The first click goes to the clip; in the clip where one is already, tokens are picked as in its frames.
      if (spot === state.current.value && !isDot(spot, view.value)) pickAt(explorer, state, spot, at, event);
      else state.go(spot);
    },
    pointercancel(event: PointerEvent) {
      down.delete(event.pointerId);
    },
    pointerleave() {
      if (down.size > 0) return;
      pointer.value = undefined;
      under.value = undefined;
    },
    wheel(event: WheelEvent) {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const factor = Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.003));
      state.look(zoomed(camera.value, view.value, squeeze, factor, ...placeOf(event)));
    },
  };
  const entries = Object.entries(handlers) as [string, (event: Event) => void][];
  for (const [name, handle] of entries) canvas.addEventListener(name, handle, { passive: false });
  return () => entries.forEach(([name, handle]) => canvas.removeEventListener(name, handle));
}

/** Looks for the token of the current clip that lies under a point. */
function pickAt(
  explorer: Explorer,
  { view }: MapState,
  { footprint, bounds }: Spot,
  at: readonly [number, number],
  { shiftKey, altKey }: MouseEvent,
): void {
  const clip = explorer.clip.value!;
  const { grid, geometry } = explorer.bundle.clips[clip]!;
  const [longitude, latitude] = view.value.toDegrees(...at);
  const turn = 360 * Math.round((longitude - (bounds[0] + bounds[2]) / 2) / 360);
  const pixel = footprint && pixelAt(footprint, [longitude - turn, latitude]);
  if (!pixel) return;
  const row = Math.floor(((pixel[1] - geometry.y) / geometry.height) * grid[1]);
  const column = Math.floor(((pixel[0] - geometry.x) / geometry.width) * grid[2]);
  if (row < 0 || column < 0 || row >= grid[1] || column >= grid[2]) return;
  const unlike = altKey || pickMode.value === 'unlike';
  const beside = shiftKey || altKey || pickMode.value !== 'new';
  const cells = { top: row, bottom: row, left: column, right: column };
  explorer.pick({ sign: unlike ? -1 : 1, clip, step: explorer.step.value, ...cells }, beside);
}

/** Draws whenever something has changed, once a frame of the screen; returns what ends it. */
function draw(
  canvas: HTMLCanvasElement,
  explorer: Explorer,
  state: MapState,
  under: Settable<Spot | undefined>,
): () => void {
  const { size, stop } = followSize(canvas);
  const context = canvas.getContext('2d')!;
  const pictures = mapPictures(explorer.bundle, state.redraw);
  const colors = mapColors(explorer, state.redraw);
  /** The last picture of each place, which stays until the next is there. */
  const last = new Map<number, readonly [sequence: number, frame: number]>();
  const scheme = computed(() => {
    void [theme.value, schemeChanges.value];
    const color = (name: string): string => cssColor(canvas, name);
    return {
      sea: color('--stage'),
      land: color('--land'),
      line: color('--line-strong'),
      strong: color('--line-strong'),
      text: color('--text'),
      accent: color('--accent'),
      ground: color('--surface'),
    };
  });
  let request = 0;
  const paint = (): void => {
    request = 0;
    const { unit } = size.peek();
    const view = state.view.peek();
    drawMap(context, view, unit, {
      spots: spotsToDraw(explorer, state, pictures, colors, last, scheme.peek().accent),
      opacity: explorer.opacity.peek(),
      smooth: explorer.smooth.peek() && explorer.layer.peek() !== 'clusters',
      subdued: explorer.layer.peek() === 'similarity' || explorer.layer.peek() === 'change',
      current: state.current.peek(),
      under: under.value,
      colors: scheme.peek(),
    });
  };
  const endSize = effect(() => {
    const { width, height, unit } = size.value;
    state.size.value = { width: width / unit, height: height / unit };
  });
  const end = effect(() => {
    const { sequence, frame, clip, opacity, smooth, layer, found, loaded } = explorer;
    void [state.view.value, under.value, state.redraws.value, scheme.value, size.value];
    void [sequence.value, frame.value, clip.value, opacity.value, smooth.value, layer.value, found.value, loaded.value];
    if (request === 0) request = requestAnimationFrame(paint);
  });
  return () => {
    cancelAnimationFrame(request);
    end();
    endSize();
    pictures.close();
    colors.close();
    stop();
  };
}

/** What lies in view, with what is there of it; what is not is asked for. */
function spotsToDraw(
  explorer: Explorer,
  state: MapState,
  pictures: MapPictures,
  colors: MapColors,
  last: Map<number, readonly [number, number]>,
  accent: string,
): DrawnSpot[] {
  const { bundle, frames } = explorer;
  const view = state.view.peek();
  const wanted: (readonly [number, number])[] = [];
  const colored: number[] = [];
  const drawn = state.inView.peek().map((spot): DrawnSpot => {
    const { clip, frame } = state.seen(spot);
    const { sequence, geometry } = bundle.clips[clip]!;
    const dot = dotColor(explorer, state, spot, accent);
    if (isDot(spot, view)) return { spot, picture: undefined, cells: undefined, geometry, dot };
    const edge = sizeOf(spot, view);
    const large = edge * devicePixelRatio > smallEdge * 1.5;
    const full = large ? frames.peek(sequence, frame) : undefined;
    const small = pictures.peek(sequence, frame);
    if (full || small) last.set(spot.index, [sequence, frame]);
    else wanted.push([sequence, frame]);
    if (large && !full) void frames.get(sequence, frame).then((picture) => picture && state.redraw());
    const before = last.get(spot.index);
    const picture = full ?? small ?? (before && (frames.peek(...before) ?? pictures.peek(...before)));
    if (edge >= leastCells) colored.push(clip);
    const cells = edge >= leastCells ? colors.cells(clip, stepOf(bundle.clips[clip]!, frame)) : undefined;
    return { spot, picture, cells, geometry, dot };
  });
  pictures.want(wanted);
  colors.want(explorer.layer.peek() === 'none' ? [] : colored);
  // Large ones first, so that what lies within another is seen.
  return drawn.sort((a, b) => sizeOf(b.spot, view) - sizeOf(a.spot, view));
}

/** How like the picks the best token of a place is, as a colour; the usual one while nothing is looked for. */
function dotColor(
  { bundle, found, colorMap: map }: Explorer,
  { likeness }: MapState,
  { clips }: Spot,
  usual: string,
): string {
  const limits = likeness.peek();
  if (!limits) return usual;
  const steps = found.peek()!.best;
  let best = -Infinity;
  for (const clip of clips)
    for (let step = 0; step < bundle.clips[clip]!.grid[0]; step++) {
      const score = steps[bundle.stepsBefore[clip]! + step]!;
      if (score > best) best = score;
    }
  const [mean, most] = limits;
  const share = most > mean ? Math.min(1, Math.max(0, (best - mean) / (most - mean))) : 0.5;
  const entry = Math.round(share * 255) * 3;
  return `rgb(${colorMap(map.peek())
    .subarray(entry, entry + 3)
    .join(' ')})`;
}

/** Places that are listed at most. */
const listed = 200;

/** The places in view, for those who cannot see or point at them. */
export function PlacesPanel({ explorer }: { explorer: Explorer }) {
  const state = useMemo(() => mapState(explorer), [explorer]);
  const { spots, inView, current } = state;
  const { unknown, without } = spots;
  const shown = [...inView.value].sort((a, b) => order(a.name, b.name)).slice(0, listed);
  return (
    <section class="panel" aria-labelledby="places-title">
      <h2 id="places-title">Places</h2>
      <p class="hint" role="status">
        {inView.value.length === spots.all.length
          ? plural(spots.all.length, 'place')
          : `${inView.value.length.toLocaleString('en')} of ${plural(spots.all.length, 'place')} in view`}
        {inView.value.length > listed && `, the first ${listed} listed`}
      </p>
      {without > 0 && <p class="hint">{plural(without, 'clip')} without a place.</p>}
      {unknown.clips > 0 && (
        <p class="hint">
          {plural(unknown.clips, 'clip')} in a coordinate system that this page does not know:{' '}
          {unknown.systems.map((system) => system.slice(0, 60)).join(', ')}
        </p>
      )}
      <ul class="places">
        {shown.map((spot) => (
          <li key={spot.index}>
            <button
              type="button"
              aria-current={spot === current.value ? 'location' : undefined}
              onClick={() => state.go(spot)}
            >
              <span>{spot.name}</span>
              <small>
                {degreesText(spot.middle)} · {plural(spot.clips.length, 'clip')}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {current.value && (
        <button type="button" onClick={() => (explorer.view.value = 'frames')}>
          Show the frames of {current.value.name}
        </button>
      )}
    </section>
  );
}

const order = new Intl.Collator('en', { numeric: true }).compare;
