// The large picture: a frame, the colours over it, and tokens to pick.

import { effect, signal, useSignal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';
import { activeLabel, pickMode } from '../state/pick-mode.ts';
import { schemeChanges, theme } from '../state/theme.ts';
import { followSize } from './canvas-size.ts';
import { Legend } from './legend.tsx';
import { cssColor } from './css-color.ts';
import { drawStage } from './draw-stage.ts';
import type { Overlay } from './overlay.ts';
import { pickFromKeyboard } from './stage-keys.ts';
import { cellAt, frameBox, gridBox } from './stage-geometry.ts';
import { formatScore } from './words.ts';

interface Drawn {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export function Stage({ explorer, overlay }: { explorer: Explorer; overlay: ReadonlySignal<Overlay | undefined> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  /** Cells between where a pointer went down and where it is. */
  const drawn = useSignal<Drawn | undefined>(undefined);
  const { bundle, sequence, frame, clip, step, cell, frames } = explorer;
  const status = useId();

  useEffect(() => {
    const element = canvas.current!;
    const { size, stop } = followSize(element);
    const context = element.getContext('2d')!;
    const arrived = signal(0);
    const end = effect(() => {
      void [arrived.value, theme.value, schemeChanges.value];
      const [at, which] = [frame.value, sequence.value];
      const picture = frames.peek(which, at);
      if (!picture) void frames.get(which, at).then(() => arrived.value++);
      frames.prepare(which, [at + 1, at + 2, at + 3, at - 1]);
      const shown = clip.value === undefined ? undefined : bundle.clips[clip.value];
      const over = overlay.value?.clip === clip.value ? overlay.value : undefined;
      const under = cell.value && {
        top: cell.value.row,
        bottom: cell.value.row,
        left: cell.value.column,
        right: cell.value.column,
      };
      drawStage(context, size.value, size.value.unit, {
        frame: bundle.sequences[which]!.frame,
        picture,
        clip: shown,
        step: step.value,
        colors: over?.colors,
        opacity: explorer.opacity.value,
        smooth: explorer.smooth.value && explorer.layer.value !== 'clusters',
        subdued: over?.limits !== undefined,
        picks: explorer.picks.value.filter((pick) => pick.clip === clip.value),
        marks: explorer.labels.value.marks.filter((mark) => mark.clip === clip.value && mark.step === step.value),
        marked: drawn.value ?? under,
        background: cssColor(element, '--stage'),
      });
    });
    return () => {
      end();
      stop();
    };
  }, [explorer]);

  const cellOf = (event: PointerEvent) => {
    if (clip.value === undefined) return undefined;
    const shown = bundle.clips[clip.value]!;
    const bounds = canvas.current!.getBoundingClientRect();
    const box = gridBox(shown, frameBox(bundle.sequences[sequence.value]!.frame, bounds));
    return cellAt(shown.grid, box, event.clientX - bounds.left, event.clientY - bounds.top);
  };
  const start = useRef<{ row: number; column: number } | undefined>(undefined);

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    start.current = cellOf(event);
    if (start.current) canvas.current!.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const at = cellOf(event);
    const from = start.current;
    if (from && at && (at.row !== from.row || at.column !== from.column || drawn.value))
      drawn.value = {
        top: Math.min(from.row, at.row),
        bottom: Math.max(from.row, at.row),
        left: Math.min(from.column, at.column),
        right: Math.max(from.column, at.column),
      };
    if (at?.row !== cell.value?.row || at?.column !== cell.value?.column) cell.value = at;
  };
  const up = (event: PointerEvent): void => {
    const from = start.current;
    start.current = undefined;
    if (!from || clip.value === undefined) return;
    const region = drawn.value ?? { top: from.row, bottom: from.row, left: from.column, right: from.column };
    drawn.value = undefined;
    if (pickMode.value === 'mark') {
      explorer.mark({ clip: clip.value, step: step.value, row: from.row, column: from.column }, activeLabel.value);
      return;
    }
    const unlike = event.altKey || pickMode.value === 'unlike';
    const beside = event.shiftKey || event.altKey || pickMode.value !== 'new';
    explorer.pick({ sign: unlike ? -1 : 1, clip: clip.value, step: step.value, ...region }, beside);
  };
  const cancel = (): void => {
    start.current = undefined;
    drawn.value = undefined;
    cell.value = undefined;
  };

  return (
    <div class="stage">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="Frame with tokens. Arrow keys move over the tokens, Enter picks one, plus adds one, minus adds one that is not wanted."
        aria-describedby={status}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={cancel}
        onPointerLeave={() => start.current || (cell.value = undefined)}
        onKeyDown={(event) => pickFromKeyboard(explorer, event)}
        onBlur={() => (cell.value = undefined)}
      />
      <StageStatus id={status} explorer={explorer} overlay={overlay} />
      <Legend explorer={explorer} limits={overlay.value?.limits} />
    </div>
  );
}

/** What is under the pointer, in words. */
function StageStatus({
  id,
  explorer,
  overlay,
}: {
  id: string;
  explorer: Explorer;
  overlay: ReadonlySignal<Overlay | undefined>;
}) {
  const { cell, clip, step, bundle } = explorer;
  const at = cell.value;
  const shown = clip.value === undefined ? undefined : bundle.clips[clip.value];
  if (!shown)
    return (
      <p id={id} class="stage-status">
        No clip holds this frame.
      </p>
    );
  const [, height, width] = shown.grid;
  const number =
    at &&
    overlay.value?.clip === clip.value &&
    overlay.value?.numbers?.[(step.value * height + at.row) * width + at.column];
  return (
    <p id={id} class="stage-status" data-empty={!at}>
      {at ? `row ${at.row}, column ${at.column}${typeof number === 'number' ? ` · ${formatScore(number)}` : ''}` : ''}
    </p>
  );
}
