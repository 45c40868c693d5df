// The colours of clips on the map, one small picture for each step that is looked at.

import { effect } from '@preact/signals';
import { numberColors, type Colors } from '../bundle/layer-colors.ts';
import type { Explorer } from '../state/explorer.ts';
import { overlayOf, readLayer, type Overlay } from '../view/overlay.ts';

/** Clips whose colours are kept. */
const kept = 400;

export interface MapColors {
  /** Cells of a step as pixels; `undefined` while they are not there. */
  cells(clip: number, step: number): OffscreenCanvas | undefined;
  /** Clips whose colours are wanted now, in that order. */
  want(clips: readonly number[]): void;
  close(): void;
}

/** Calls `arrived` when some have come, or those that were there count no more. */
export function mapColors(explorer: Explorer, arrived: () => void): MapColors {
  const { bundle } = explorer;
  const overlays = new Map<number, Overlay | undefined>();
  const drawn = new Map<string, OffscreenCanvas>();
  let limits: readonly [low: number, high: number] | undefined;
  let queue: number[] = [];
  let generation = 0;
  let working = false;

  /** One scale for all clips, so that their colours can be compared. */
  const widen = (own: Overlay['limits']): void => {
    if (!own) return;
    const next = limits ? ([Math.min(limits[0], own[0]), Math.max(limits[1], own[1])] as const) : own;
    if (next[0] === limits?.[0] && next[1] === limits[1]) return;
    limits = next;
    drawn.clear();
  };

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    try {
      for (let clip = queue.shift(); clip !== undefined; clip = queue.shift()) {
        if (overlays.has(clip)) continue;
        const mine = generation;
        const overlay = await overlayOf(explorer, clip);
        if (mine !== generation) continue;
        overlays.set(clip, overlay);
        widen(overlay?.limits);
        for (const oldest of overlays.keys()) {
          if (overlays.size <= kept) break;
          overlays.delete(oldest);
        }
        arrived();
      }
    } catch (error) {
      explorer.message.value = String(error);
    } finally {
      working = false;
    }
  };

  const end = effect(() => {
    readLayer(explorer);
    generation++;
    overlays.clear();
    drawn.clear();
    limits = undefined;
    arrived();
  });

  const colorsOf = ({ numbers, colors }: Overlay): Colors => {
    if (!numbers || !limits) return colors;
    const shared = numberColors(numbers, limits, explorer.colorMap.peek(), true);
    // What a line in the scatter leaves out stays faint.
    if (explorer.lasso.peek()) for (let at = 3; at < shared.length; at += 4) shared[at] = colors[at]!;
    return shared;
  };

  return {
    cells(clip, step) {
      const overlay = overlays.get(clip);
      if (!overlay) return undefined;
      const key = `${clip}/${step}`;
      const known = drawn.get(key);
      if (known) return known;
      const [, height, width] = bundle.clips[clip]!.grid;
      const size = width * height * 4;
      const canvas = new OffscreenCanvas(width, height);
      const pixels = new ImageData(colorsOf(overlay).slice(step * size, (step + 1) * size), width, height);
      canvas.getContext('2d')!.putImageData(pixels, 0, 0);
      if (drawn.size > 2 * kept) drawn.clear();
      drawn.set(key, canvas);
      return canvas;
    },
    want(clips) {
      queue = clips.filter((clip) => !overlays.has(clip));
      void work();
    },
    close() {
      generation++;
      queue = [];
      end();
    },
  };
}
