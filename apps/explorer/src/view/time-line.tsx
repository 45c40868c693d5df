// The time line of a sequence: frames, clips, tubelets, and how like the picks each step is.

import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';
import { schemeChanges, theme } from '../state/theme.ts';
import { followSize } from './canvas-size.ts';
import { drawTimeLine } from './draw-time-line.ts';
import { frameTime } from './words.ts';

export function TimeLine({ explorer, label = 'Time' }: { explorer: Explorer; label?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { bundle, sequence, frame, clip, step, playing } = explorer;

  useEffect(() => {
    const { size, stop } = followSize(canvas.current!);
    const end = effect(() => {
      void [theme.value, schemeChanges.value];
      drawTimeLine(canvas.current!, size.value, explorer);
    });
    return () => {
      end();
      stop();
    };
  }, [explorer]);

  const dragging = useRef(false);
  const toPointer = (event: PointerEvent): void => {
    const { left, width } = canvas.current!.getBoundingClientRect();
    const count = bundle.sequences[sequence.value]!.numbers.length;
    playing.value = false;
    explorer.toFrame(Math.floor(((event.clientX - left) / width) * count));
  };

  const shown = bundle.sequences[sequence.value]!;
  const number = shown.numbers[frame.value];
  const time = frameTime(shown, frame.value);
  const inClip =
    clip.value === undefined
      ? ''
      : `, clip ${bundle.clipsOf[sequence.value]!.indexOf(clip.value) + 1}, step ${step.value + 1}`;
  return (
    <div
      class="time-line"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={explorer.lastFrame()}
      aria-valuenow={frame.value}
      aria-valuetext={`frame ${number}${time && `, ${time}`}${inClip}`}
      onPointerDown={(event) => {
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        toPointer(event);
      }}
      onPointerMove={(event) => dragging.current && toPointer(event)}
      onPointerUp={() => (dragging.current = false)}
      onPointerCancel={() => (dragging.current = false)}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <Now explorer={explorer} />
    </div>
  );
}

/** The frame and the clip that are shown: moved, while the rest of the line stays as it was drawn. */
function Now({ explorer }: { explorer: Explorer }) {
  const { bundle, sequence, frame, clip } = explorer;
  const count = Math.max(1, bundle.sequences[sequence.value]!.numbers.length);
  const along = (from: number, to: number) => ({
    left: `${(100 * from) / count}%`,
    width: `${(100 * (to - from)) / count}%`,
  });
  const frames = clip.value === undefined ? undefined : bundle.clips[clip.value]!.frames;
  return (
    <>
      {frames && <div class="current-clip" style={along(frames[0]!, frames.at(-1)! + 1)} />}
      <div class="playhead" style={along(frame.value, frame.value + 1)} />
    </>
  );
}
