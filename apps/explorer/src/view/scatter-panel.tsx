// All tokens as points of a plane or of space: those within a drawn line are lit in the video, and the token under the
// pointer is shown here.

import { computed, effect, signal, useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Outline } from '../bundle/plane.ts';
import type { Explorer } from '../state/explorer.ts';
import {
  axesLayers,
  dimensionsOf,
  pointColors,
  pointsOfClip,
  scatterColors,
  scatterOf,
  seen,
  type Scatter,
  type ScatterAxes,
  type ScatterColor,
  type View,
} from '../state/scatter.ts';
import { schemeChanges, theme } from '../state/theme.ts';
import { followSize } from './canvas-size.ts';
import { cssColor } from './css-color.ts';
import { drawPoints, placer, whole, zoomed, type Zoom } from './draw-points.ts';
import { plural } from './words.ts';

/** Points, as many as the user wants to wait for. */
const samples = [100_000, 1_000_000] as const;
/** While they move, so many are drawn that the movement stays smooth; all of them this many milliseconds later. */
const [mostMoving, restMilliseconds] = [100_000, 200];
/** Radians for an arrow key, and for a pixel that the pointer moves. */
const [byKey, byPixel] = [0.15, 0.01];
/** How much nearer a button comes, and a line of the wheel. */
const [byButton, byLine] = [1.6, 1.1];

export function ScatterPanel({ explorer }: { explorer: Explorer }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scatter = useSignal<Scatter | undefined>(undefined);
  const color = useSignal<ScatterColor>('colours');
  const axes = useSignal<ScatterAxes>('components');
  const sampled = useSignal<number>(samples[0]);
  const inSpace = useSignal(false);
  const turn = useSignal({ yaw: 0.6, pitch: 0.4 });
  const zoom = useSignal<Zoom>(whole);
  /** In space, whether a drag draws a line. */
  const draws = useSignal(false);
  const drawing = useSignal<Outline | undefined>(undefined);
  const under = useSignal<readonly [number, number] | undefined>(undefined);
  const view = useComputed((): View => (inSpace.value ? { dimensions: 3, ...turn.value } : { dimensions: 2 }));
  const { bundle, pool, loaded, lasso, clusters, stored } = explorer;

  useEffect(() => {
    let latest = 0;
    return effect(() => {
      const [count, wanted, ready] = [sampled.value, axes.value, loaded.value];
      const mine = ++latest;
      if (!ready) return;
      const before = scatter.peek();
      const sample = before && before.count === count ? Promise.resolve(before) : pool.sample(count);
      sample
        .then((some) => scatterOf(bundle, stored, { ...some, count }, wanted))
        .then(
          (made) => {
            if (mine === latest) scatter.value = made;
          },
          (error: unknown) => (explorer.message.value = String(error)),
        );
    });
  }, [explorer]);
  useEffect(() => {
    let latest = 0;
    return effect(() => {
      const mine = ++latest;
      void underPointer(explorer, scatter.value, view.value).then((point) => mine === latest && (under.value = point));
    });
  }, [explorer]);
  useEffect(() => effect(() => void (color.value === 'clusters' && loaded.value && explorer.group())), [explorer]);
  // A line belongs to the axes and the side that it was drawn from.
  useEffect(
    () =>
      effect(() => {
        void [axes.value, view.value];
        lasso.value = undefined;
      }),
    [explorer],
  );
  useEffect(
    () =>
      effect(() => {
        void [axes.value, inSpace.value];
        zoom.value = whole;
      }),
    [explorer],
  );

  useEffect(() => {
    const element = canvas.current!;
    const { size, stop } = followSize(element);
    // Points are drawn once; what moves is drawn over them.
    const points = new OffscreenCanvas(1, 1);
    const resting = signal(true);
    let rest: ReturnType<typeof setTimeout> | undefined;
    const endMoving = effect(() => {
      void [view.value, zoom.value];
      resting.value = false;
      clearTimeout(rest);
      rest = setTimeout(() => (resting.value = true), restMilliseconds);
    });
    const every = computed(() =>
      resting.value || !scatter.value ? 1 : Math.ceil(scatter.value.steps.length / mostMoving),
    );
    const colors = computed(() => scatter.value && pointColors(bundle, scatter.value, color.value, clusters.value));
    const places = computed(() => scatter.value && seen(scatter.value.points, view.value, every.value));
    const endPoints = effect(() => {
      void [theme.value, schemeChanges.value];
      if (places.value && colors.value)
        drawPoints(points, size.value, places.value, colors.value, zoom.value, every.value);
    });
    const end = effect(() => {
      void [color.value, clusters.value, theme.value, schemeChanges.value, view.value, resting.value];
      const context = element.getContext('2d')!;
      const { width, height, unit } = size.value;
      context.clearRect(0, 0, width, height);
      if (!scatter.value) return;
      context.drawImage(points, 0, 0);
      const place = placer(width, height, zoom.value);
      const outline = drawing.value ?? lasso.value?.outline;
      context.strokeStyle = cssColor(element, '--text');
      context.lineWidth = 1.5 * unit;
      if (outline?.length) {
        context.beginPath();
        outline.forEach(([x, y]) => context.lineTo(...place(x, y)));
        context.closePath();
        context.stroke();
      }
      if (under.value) {
        context.beginPath();
        context.arc(...place(...under.value), 5 * unit, 0, 2 * Math.PI);
        context.stroke();
      }
    });
    return () => {
      endMoving();
      clearTimeout(rest);
      endPoints();
      end();
      stop();
    };
  }, [explorer]);

  const pointAt = (event: MouseEvent): readonly [number, number] => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    const { factor, x, y } = zoom.value;
    const across = ((event.clientX - left) / width) * 2 - 1;
    const up = 1 - ((event.clientY - top) / height) * 2;
    return [x + across / factor, y + up / factor];
  };
  const nearer = (by: number): void => void (zoom.value = zoomed(zoom.value, by, [zoom.value.x, zoom.value.y]));
  const turnBy = (yaw: number, pitch: number): void => {
    const { yaw: from, pitch: at } = turn.value;
    turn.value = { yaw: from + yaw, pitch: Math.min(Math.PI / 2, Math.max(-Math.PI / 2, at + pitch)) };
  };
  const dragged = useRef<readonly [number, number] | undefined>(undefined);
  const moved = useRef<readonly [number, number] | undefined>(undefined);
  const space = inSpace.value;
  const layers = axesLayers(bundle);
  const name = axes.value === 'components' ? 'principal components' : `${bundle.layers[axes.value]!.name} coordinates`;
  return (
    <>
      <div class="row">
        <label class="field">
          Colour by
          <select value={color.value} onChange={(event) => (color.value = event.currentTarget.value as ScatterColor)}>
            {scatterColors
              .filter((each) => each !== 'place' || bundle.places)
              .map((each) => (
                <option key={each}>{each}</option>
              ))}
          </select>
        </label>
        {layers.length > 0 && (
          <label class="field">
            Axes
            <select
              value={String(axes.value)}
              onChange={(event) => {
                const { value } = event.currentTarget;
                axes.value = value === 'components' ? value : Number(value);
                if (dimensionsOf(bundle, axes.value) === 2) inSpace.value = false;
              }}
            >
              <option>components</option>
              {layers.map(({ layer, name: each }) => (
                <option key={layer} value={layer}>
                  {each}
                </option>
              ))}
            </select>
          </label>
        )}
        {bundle.tokens > samples[0] && (
          <label class="field">
            Points
            <select value={sampled.value} onChange={(event) => (sampled.value = Number(event.currentTarget.value))}>
              {samples.map((count) => (
                <option key={count} value={count}>
                  {count.toLocaleString('en')}
                </option>
              ))}
            </select>
          </label>
        )}
        <label class="field check">
          <input
            type="checkbox"
            checked={space}
            disabled={dimensionsOf(bundle, axes.value) === 2}
            onChange={(event) => (inSpace.value = event.currentTarget.checked)}
          />
          3-D
        </label>
        {space && (
          <button type="button" aria-pressed={draws.value} onClick={() => (draws.value = !draws.value)}>
            Draw a line
          </button>
        )}
        <button type="button" aria-label="Nearer" title="Nearer" onClick={() => nearer(byButton)}>
          +
        </button>
        <button type="button" aria-label="Farther" title="Farther" onClick={() => nearer(1 / byButton)}>
          −
        </button>
        {zoom.value.factor > 1 && (
          <button type="button" onClick={() => (zoom.value = whole)}>
            All
          </button>
        )}
      </div>
      <canvas
        ref={canvas}
        class="scatter"
        role={space ? 'application' : 'img'}
        tabIndex={space ? 0 : undefined}
        aria-label={`Tokens by their first ${space ? 'three' : 'two'} ${name}${space ? '. Arrow keys turn them.' : ''}`}
        onKeyDown={(event) => {
          const [yaw, pitch] =
            { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
          if (!space || yaw === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          turnBy(yaw * byKey, pitch! * byKey);
        }}
        onPointerDown={(event) => {
          if (!scatter.value) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          if (event.shiftKey || event.button === 1) moved.current = pointAt(event);
          else if (space && !draws.value) dragged.current = [event.clientX, event.clientY];
          else drawing.value = [pointAt(event)];
        }}
        onWheel={(event) => {
          event.preventDefault();
          zoom.value = zoomed(zoom.value, byLine ** -Math.sign(event.deltaY), pointAt(event));
        }}
        onPointerMove={(event) => {
          if (moved.current) {
            // What was under the pointer stays under it.
            const [x, y] = pointAt(event);
            const [from, at] = moved.current;
            const { factor, ...middle } = zoom.value;
            const to = { factor, x: middle.x + from - x, y: middle.y + at - y };
            zoom.value = zoomed(to, 1, [to.x, to.y]);
            return;
          }
          if (drawing.value) drawing.value = [...drawing.value, pointAt(event)];
          if (!dragged.current) return;
          const [x, y] = dragged.current;
          dragged.current = [event.clientX, event.clientY];
          turnBy((event.clientX - x) * byPixel, (event.clientY - y) * byPixel);
        }}
        onPointerUp={() => {
          dragged.current = undefined;
          moved.current = undefined;
          if (!drawing.value) return;
          const [shown, from, outline] = [scatter.value!, view.value, drawing.value];
          // A click takes the line away.
          lasso.value =
            outline.length > 3
              ? {
                  outline,
                  points: async (clip) => seen(await pointsOfClip(bundle, stored, clip, shown), from),
                }
              : undefined;
          drawing.value = undefined;
        }}
        onPointerCancel={() => {
          dragged.current = undefined;
          moved.current = undefined;
          drawing.value = undefined;
        }}
      />
      <p class="hint">
        {scatter.value ? plural(scatter.value.steps.length, 'token') : 'Waiting for the tokens …'}
        {lasso.value ? (
          <>
            {' · '}
            <button type="button" class="link" onClick={() => (lasso.value = undefined)}>
              take the line away
            </button>
          </>
        ) : space && !draws.value ? (
          '. Drag to turn them, with Shift to move; scroll to come nearer.'
        ) : (
          '. Draw around points to light them in the video; scroll to come nearer, drag with Shift to move.'
        )}
      </p>
    </>
  );
}

/** Where the token under the pointer on the stage is seen. */
async function underPointer(
  { cell, clip, step, bundle, stored }: Explorer,
  scatter: Scatter | undefined,
  view: View,
): Promise<readonly [number, number] | undefined> {
  const [at, shown, when] = [cell.value, clip.value, step.value];
  if (!at || shown === undefined || !scatter) return undefined;
  const [, height, width] = bundle.clips[shown]!.grid;
  const token = (when * height + at.row) * width + at.column;
  const points = await pointsOfClip(bundle, stored, shown, scatter);
  const [x, y] = seen(points.subarray(token * 3, token * 3 + 3), view);
  return Number.isNaN(x!) ? undefined : [x!, y!];
}
