// Tokens without a pointer.

import type { Explorer } from '../state/explorer.ts';
import { activeLabel, pickMode } from '../state/pick-mode.ts';

const moves: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Arrow keys move the cell, Enter picks or labels its token, plus and minus add it to the picks. */
export function pickFromKeyboard(explorer: Explorer, event: KeyboardEvent): void {
  const { cell, clip, step, bundle } = explorer;
  if (clip.value === undefined || event.ctrlKey || event.metaKey) return;
  const [, height, width] = bundle.clips[clip.value]!.grid;
  const at = cell.value ?? { row: Math.floor(height / 2), column: Math.floor(width / 2) };
  const move = moves[event.key];
  if (move)
    cell.value = cell.value && {
      row: Math.min(height - 1, Math.max(0, at.row + move[0])),
      column: Math.min(width - 1, Math.max(0, at.column + move[1])),
    };
  const picks = event.key === 'Enter' || event.key === '+' || event.key === '-';
  if (move || picks) {
    cell.value ??= at;
    event.preventDefault();
    event.stopPropagation();
  }
  if (event.key === 'Enter' && pickMode.value === 'mark')
    explorer.mark({ clip: clip.value, step: step.value, row: at.row, column: at.column }, activeLabel.value);
  else if (picks)
    explorer.pick(
      {
        sign: event.key === '-' ? -1 : 1,
        clip: clip.value,
        step: step.value,
        top: at.row,
        bottom: at.row,
        left: at.column,
        right: at.column,
      },
      event.key !== 'Enter',
    );
}
