// A small picture of where a token stands.

import { useEffect, useRef } from 'preact/hooks';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import { cellsBox, gridBox } from './stage-geometry.ts';

/** Cells, and the step they are of. */
export interface Place {
  readonly clip: number;
  readonly step: number;
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** Pixels of the canvas, a side. */
const size = 192;
/** How many cells around the token are seen, a side. */
const around = 7;

export function Thumbnail({ explorer, place, color }: { explorer: Explorer; place: Place; color: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { clip, step, top, left, bottom, right } = place;
  useEffect(() => {
    let wanted = true;
    const { bundle, frames } = explorer;
    const shown = bundle.clips[clip]!;
    void frames.get(shown.sequence, frameOfStep(shown, step)).then((picture) => {
      const context = canvas.current?.getContext('2d');
      if (!wanted || !context) return;
      const whole = picture ?? bundle.sequences[shown.sequence]!.picture;
      const box = gridBox(shown, { x: 0, y: 0, width: whole.width, height: whole.height });
      const cells = cellsBox(shown.grid, box, { top, left, bottom, right });
      const cell = Math.max(box.width / shown.grid[2], box.height / shown.grid[1]);
      const edge = Math.min(
        Math.max(around * cell, Math.max(cells.width, cells.height) * 1.5),
        whole.width,
        whole.height,
      );
      const x = Math.min(Math.max(0, cells.x + cells.width / 2 - edge / 2), whole.width - edge);
      const y = Math.min(Math.max(0, cells.y + cells.height / 2 - edge / 2), whole.height - edge);
      const scale = size / edge;
      context.clearRect(0, 0, size, size);
      if (picture) context.drawImage(picture, x, y, edge, edge, 0, 0, size, size);
      const marked = [(cells.x - x) * scale, (cells.y - y) * scale, cells.width * scale, cells.height * scale] as const;
      context.lineWidth = 6;
      context.strokeStyle = 'rgb(0 0 0 / 0.5)';
      context.strokeRect(...marked);
      context.lineWidth = 3;
      context.strokeStyle = color;
      context.strokeRect(...marked);
    });
    return () => {
      wanted = false;
    };
  }, [explorer, clip, step, top, left, bottom, right, color]);
  return <canvas class="thumbnail" ref={canvas} width={size} height={size} aria-hidden="true" />;
}
