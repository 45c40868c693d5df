// Files for the user: the picture on the stage, the picks and what is like them.

import { frameOfStep } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import { drawStage } from './draw-stage.ts';
import type { Overlay } from './overlay.ts';

/** The frame as it is on the stage, in the pixels of its picture. */
export async function savePicture(explorer: Explorer, overlay: Overlay | undefined): Promise<void> {
  const { bundle, sequence, frame, clip, step, frames } = explorer;
  const shown = bundle.sequences[sequence.value]!;
  const canvas = new OffscreenCanvas(shown.picture.width, shown.picture.height);
  drawStage(canvas.getContext('2d')!, canvas, 1, {
    frame: shown.frame,
    picture: await frames.get(sequence.value, frame.value),
    clip: clip.value === undefined ? undefined : bundle.clips[clip.value],
    step: step.value,
    colors: overlay?.clip === clip.value ? overlay?.colors : undefined,
    opacity: explorer.opacity.value,
    smooth: explorer.smooth.value,
    subdued: overlay?.clip === clip.value && overlay?.limits !== undefined,
    picks: [],
    marks: [],
    marked: undefined,
    background: '#000000',
  });
  save(
    await canvas.convertToBlob({ type: 'image/png' }),
    `${nameOf(explorer)}_frame_${shown.numbers[frame.value]}.png`,
  );
}

/** One row for each pick and each match. */
export function saveTable(explorer: Explorer): void {
  save(new Blob([tableOf(explorer)], { type: 'text/csv' }), `${nameOf(explorer)}_matches.csv`);
}

export function tableOf({ bundle, picks, matches }: Tabled): string {
  const rows = [
    ...picks.value.map((pick) => ({ ...pick, role: pick.sign === 1 ? 'like' : 'unlike', score: undefined })),
    ...matches.value.map(({ row, column, ...rest }) => ({
      ...rest,
      top: row,
      bottom: row,
      left: column,
      right: column,
      role: 'match',
    })),
  ].map(({ role, clip, step, top, left, bottom, right, score }) => {
    const { sequence } = bundle.clips[clip]!;
    const { name, numbers, at } = bundle.sequences[sequence]!;
    const frame = frameOfStep(bundle.clips[clip]!, step);
    return [
      role,
      name,
      bundle.clipsOf[sequence]!.indexOf(clip),
      numbers[frame],
      at?.[frame] ?? '',
      step,
      top,
      left,
      bottom,
      right,
      score?.toFixed(5) ?? '',
    ];
  });
  const head = ['role', 'sequence', 'clip', 'frame', 'time', 'step', 'top', 'left', 'bottom', 'right', 'score'];
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}
type Tabled = { readonly [P in 'bundle' | 'picks' | 'matches']: Explorer[P] };

/** RFC 4180; a spreadsheet does not take a text for a formula. */
function field(value: unknown): string {
  const text = String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const nameOf = ({ bundle }: { bundle: { name: string } }): string =>
  bundle.name.replace(/[^\w.-]+/g, '-') || 'explorer';

export function save(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
