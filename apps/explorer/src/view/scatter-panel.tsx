// All tokens as points: those within a drawn line are lit in the video, and the token under the pointer is shown here.

import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { planePoints, type Outline } from '../bundle/plane.ts';
import type { Explorer } from '../state/explorer.ts';
import { pointColors, scatterColors, scatterOf, type Scatter, type ScatterColor } from '../state/scatter.ts';
import { schemeChanges, theme } from '../state/theme.ts';
import { followSize } from './canvas-size.ts';
import { cssColor } from './css-color.ts';
import { plural } from './words.ts';

const sampled = 100_000;

export function ScatterPanel({ explorer }: { explorer: Explorer }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scatter = useSignal<Scatter | undefined>(undefined);
  const color = useSignal<ScatterColor>('colours');
  const drawing = useSignal<Outline | undefined>(undefined);
  const under = useSignal<readonly [number, number] | undefined>(undefined);
  const { bundle, pool, loaded, lasso, clusters } = explorer;

  useEffect(
    () =>
      effect(() => {
        if (loaded.value && !scatter.peek())
          pool.sample(sampled).then(
            (sample) => (scatter.value = scatterOf(bundle, sample)),
            (error: unknown) => (explorer.message.value = String(error)),
          );
      }),
    [explorer],
  );
  useEffect(() => effect(() => void underPointer(explorer).then((point) => (under.value = point))), [explorer]);
  useEffect(() => effect(() => void (color.value === 'clusters' && loaded.value && explorer.group())), [explorer]);

  useEffect(() => {
    const element = canvas.current!;
    const { size, stop } = followSize(element);
    // Points are drawn once; what moves is drawn over them.
    const points = new OffscreenCanvas(1, 1);
    const endPoints = effect(() => {
      void [theme.value, schemeChanges.value];
      if (scatter.value)
        drawPoints(points, size.value, scatter.value, pointColors(bundle, scatter.value, color.value, clusters.value));
    });
    const end = effect(() => {
      void [color.value, clusters.value, theme.value, schemeChanges.value];
      const context = element.getContext('2d')!;
      const { width, height, unit } = size.value;
      context.clearRect(0, 0, width, height);
      if (!scatter.value) return;
      context.drawImage(points, 0, 0);
      const place = placer(scatter.value, width, height);
      const outline = drawing.value ?? lasso.value;
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
      endPoints();
      end();
      stop();
    };
  }, [explorer]);

  const pointAt = (event: PointerEvent): readonly [number, number] => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    const { x, y } = scatter.value!.bounds;
    return [
      x[0] + ((event.clientX - left) / width) * (x[1] - x[0]),
      y[1] - ((event.clientY - top) / height) * (y[1] - y[0]),
    ];
  };
  return (
    <>
      <label class="field wide">
        Colour by
        <select value={color.value} onChange={(event) => (color.value = event.currentTarget.value as ScatterColor)}>
          {scatterColors.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <canvas
        ref={canvas}
        class="scatter"
        role="img"
        aria-label="Tokens by their first two principal components"
        onPointerDown={(event) => {
          if (!scatter.value) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          drawing.value = [pointAt(event)];
        }}
        onPointerMove={(event) => drawing.value && (drawing.value = [...drawing.value, pointAt(event)])}
        onPointerUp={() => {
          // A click takes the line away.
          lasso.value = (drawing.value?.length ?? 0) > 3 ? drawing.value : undefined;
          drawing.value = undefined;
        }}
        onPointerCancel={() => (drawing.value = undefined)}
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
        ) : (
          '. Draw around points to light them in the video.'
        )}
      </p>
    </>
  );
}

/** Pixels of a point of the plane. */
const placer =
  ({ bounds: { x, y } }: Scatter, width: number, height: number) =>
  (px: number, py: number): [number, number] => [
    ((px - x[0]) / (x[1] - x[0])) * width,
    ((y[1] - py) / (y[1] - y[0])) * height,
  ];

/** A square for each point, straight into pixels: a million of them take some ten milliseconds. */
function drawPoints(
  canvas: OffscreenCanvas,
  { width, height, unit }: { width: number; height: number; unit: number },
  scatter: Scatter,
  colors: Uint8ClampedArray,
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const paint = new Uint32Array(colors.buffer, colors.byteOffset, colors.length / 4);
  const place = placer(scatter, width, height);
  const side = Math.max(1, Math.round(unit * (scatter.steps.length > 20_000 ? 1 : 2)));
  for (let point = 0; point < scatter.steps.length; point++) {
    const [x, y] = place(scatter.points[point * 2]!, scatter.points[point * 2 + 1]!).map(Math.round) as [
      number,
      number,
    ];
    // Also false for NaN.
    if (!(x >= 0 && y >= 0 && x + side <= width && y + side <= height)) continue;
    for (let row = 0; row < side; row++) words.fill(paint[point]!, (y + row) * width + x, (y + row) * width + x + side);
  }
  context.putImageData(pixels, 0, 0);
}

/** Where the token under the pointer on the stage lies in the plane. */
async function underPointer({
  cell,
  clip,
  step,
  bundle,
  stored,
}: Explorer): Promise<readonly [number, number] | undefined> {
  const [at, shown, when] = [cell.value, clip.value, step.value];
  if (!at || shown === undefined) return undefined;
  const [, height, width] = bundle.clips[shown]!.grid;
  const token = (when * height + at.row) * width + at.column;
  const { bytes } = bundle.code;
  const tokens = await stored.tokens(shown);
  const [x, y] = planePoints(bundle.code, tokens.slice(token * bytes, (token + 1) * bytes));
  return Number.isNaN(x!) ? undefined : [x!, y!];
}
