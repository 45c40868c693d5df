// Draws a frame with the colours over it.

import type { BundleClip } from '@deepearth/sinks/explorer/bundle-index';
import type { Colors } from '../bundle/layer-colors.ts';
import { categoryColor } from '@deepearth/vision/colormaps';
import type { Mark } from '../state/labels.ts';
import type { Pick } from '../state/picks.ts';
import { cellsBox, frameBox, gridBox, type Box } from './stage-geometry.ts';

/** On pictures of any kind, in either scheme. */
export const pickColors = { 1: '#39c5bb', [-1]: '#ff8a5c' } as const;

/** All that is on the stage. */
export interface Scene {
  readonly frame: { readonly width: number; readonly height: number };
  readonly picture: ImageBitmap | undefined;
  readonly clip: BundleClip | undefined;
  readonly step: number;
  /** Of all tokens of the clip. */
  readonly colors: Colors | undefined;
  readonly opacity: number;
  readonly smooth: boolean;
  /** Whether the frame gives way to the colours: grey, and darker. */
  readonly subdued: boolean;
  /** Those of this clip. */
  readonly picks: readonly Pick[];
  /** Labels of this step. */
  readonly marks: readonly Mark[];
  /** The cells under the pointer, or those that are being drawn. */
  readonly marked: Omit<Pick, 'sign' | 'clip' | 'step'> | undefined;
  readonly background: string;
}

/** One pixel for each cell of a step. */
function cells({ grid: [, height, width] }: BundleClip, step: number, colors: Colors): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const size = width * height * 4;
  const pixels = new ImageData(colors.slice(step * size, (step + 1) * size), width, height);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvas;
}

/** Fills a canvas of `width` x `height` pixels; `unit` pixels are one of the page. */
export function drawStage(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { width, height }: { readonly width: number; readonly height: number },
  unit: number,
  scene: Scene,
): void {
  const { frame, picture, clip, step, colors, opacity, smooth, subdued, picks, marks, marked, background } = scene;
  context.clearRect(0, 0, width, height);
  const box = frameBox(frame, { width, height });
  context.fillStyle = background;
  context.fillRect(box.x, box.y, box.width, box.height);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  if (subdued && colors) context.filter = `grayscale(${opacity}) brightness(${1 - 0.45 * opacity})`;
  if (picture) context.drawImage(picture, box.x, box.y, box.width, box.height);
  context.filter = 'none';
  if (!clip) return;
  const grid = gridBox(clip, box);
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  if (colors && opacity > 0) {
    context.globalAlpha = opacity;
    context.imageSmoothingEnabled = smooth;
    context.drawImage(cells(clip, step, colors), grid.x, grid.y, grid.width, grid.height);
    context.globalAlpha = 1;
  }
  for (const pick of picks)
    outline(context, cellsBox(clip.grid, grid, pick), unit, pickColors[pick.sign], pick.step === step);
  for (const { row, column, label } of marks) {
    const cell = cellsBox(clip.grid, grid, { top: row, bottom: row, left: column, right: column });
    outline(context, cell, unit, `rgb(${categoryColor(label).join(' ')})`, true);
  }
  if (marked) outline(context, cellsBox(clip.grid, grid, marked), unit, '#ffffff', true);
  context.restore();
}

/** A line that is seen on light and on dark; of another step it is dashed. */
function outline(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { x, y, width, height }: Box,
  unit: number,
  color: string,
  here: boolean,
): void {
  context.setLineDash([]);
  context.lineWidth = 4 * unit;
  context.strokeStyle = 'rgb(0 0 0 / 0.55)';
  if (here) context.strokeRect(x, y, width, height);
  context.lineWidth = 2 * unit;
  context.setLineDash(here ? [] : [3 * unit, 3 * unit]);
  context.strokeStyle = color;
  context.strokeRect(x, y, width, height);
  context.setLineDash([]);
}
