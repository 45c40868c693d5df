// Draws what of the time line does not move.

import { frameOfStep } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import type { CanvasSize } from './canvas-size.ts';
import { cssColor } from './css-color.ts';

/** Below the curve clips, then tubelets; in pixels of the page, as `.current-clip` of the style sheet has them. */
const heights = { clips: 8, tubelets: 6, gap: 3 };
/** Ticks that are closer are left out. */
const closest = 4;

/** Of each step the line is its best score, the bar the mean of its tokens. */
export function drawTimeLine(canvas: HTMLCanvasElement, { width, height, unit }: CanvasSize, explorer: Explorer): void {
  const { bundle, sequence, found, picks, layer } = explorer;
  const context = canvas.getContext('2d')!;
  const color = (name: string): string => cssColor(canvas, name);
  // Asked for once: each answer costs more than what is drawn with it.
  const [accent, faint, odd, even] = [
    color('--accent'),
    color('--accent-faint'),
    color('--line-strong'),
    color('--line'),
  ];
  const count = Math.max(1, bundle.sequences[sequence.value]!.numbers.length);
  const at = (position: number): number => (position / count) * width;
  const clips = bundle.clipsOf[sequence.value]!;
  const foot = height - (heights.clips + heights.tubelets + 2 * heights.gap) * unit;
  context.clearRect(0, 0, width, height);

  const result = layer.value === 'similarity' || picks.value.length > 0 ? found.value : undefined;
  if (result) {
    const rows = clips.flatMap((index) =>
      Array.from({ length: bundle.clips[index]!.grid[0] }, (_, step) => bundle.stepsBefore[index]! + step),
    );
    const means = rows.flatMap((row) => (result.count[row]! > 0 ? result.mean[row]! : []));
    const high = result.overall.best;
    // From a little below the least mean, so that what changes is seen.
    const least = means.reduce((low, mean) => Math.min(low, mean), high);
    const low = least - (high - least) / 8;
    const tall = (score: number): number =>
      high > low ? Math.max(0, Math.min(1, (score - low) / (high - low))) * (foot - 4 * unit) : 0;
    for (const index of clips) {
      const each = bundle.clips[index]!;
      for (let step = 0; step < each.grid[0]; step++) {
        const row = bundle.stepsBefore[index]! + step;
        if (result.count[row] === 0) continue;
        const from = at(frameOfStep(each, step));
        const to = at(step + 1 < each.grid[0] ? frameOfStep(each, step + 1) : each.frames.at(-1)! + 1);
        const wide = Math.max(1, to - from - (to - from > 6 * unit ? unit : 0));
        context.fillStyle = faint;
        context.fillRect(from, foot - tall(result.best[row]!), wide, tall(result.best[row]!));
        context.fillStyle = accent;
        context.fillRect(from, foot - tall(result.mean[row]!), wide, tall(result.mean[row]!));
        context.fillRect(from, foot - tall(result.best[row]!) - unit, wide, 2 * unit);
      }
    }
  }

  clips.forEach((index, i) => {
    const { frames, grid } = bundle.clips[index]!;
    const [from, to] = [at(frames[0]!), at(frames.at(-1)! + 1)];
    const y = foot + heights.gap * unit;
    context.fillStyle = i % 2 ? even : odd;
    context.fillRect(from, y, Math.max(1, to - from - unit), heights.clips * unit);
    if ((to - from) / grid[0] < closest * unit) return;
    context.fillStyle = odd;
    for (let step = 0; step < grid[0]; step++)
      context.fillRect(
        at(frameOfStep(bundle.clips[index]!, step)),
        y + (heights.clips + heights.gap) * unit,
        unit,
        heights.tubelets * unit,
      );
  });

  for (const { clip: index, step, sign } of picks.value) {
    const picked = bundle.clips[index]!;
    if (picked.sequence !== sequence.value) continue;
    context.fillStyle = color(sign === 1 ? '--accent' : '--negative');
    context.beginPath();
    context.arc(at(frameOfStep(picked, step) + 0.5), 5 * unit, 4 * unit, 0, 2 * Math.PI);
    context.fill();
  }
}
