// Keys that work anywhere on the page.

import { layerChoices } from './layer-choices.ts';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';

/** What the help lists. */
export const keyHelp: readonly (readonly [keys: string, what: string])[] = [
  ['Space', 'play, pause'],
  ['← →', 'one frame'],
  ['Shift ← →', 'one tubelet'],
  ['Page up, Page down', 'one clip'],
  ['Home, End', 'first, last frame'],
  ['1 … 9', 'what lies over the frames'],
  ['[ ]', 'less, more of it'],
  ['Click, drag', 'look for a token, for a region'],
  ['Shift click', 'add to what is looked for'],
  ['Alt click', 'add to what is not'],
  ['Escape', 'forget the picks'],
  ['On the map: ← → ↑ ↓ + −', 'move, zoom; 0 shows all'],
  ['?', 'this help'],
];

/** Listens; returns what ends it. */
export function listenToKeys(explorer: Explorer, help: () => void): () => void {
  const listen = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest('input:not([type]), select, textarea, dialog')) return;
    // These move a control that has the focus, or press it.
    if (target.closest('input') && /^(Arrow|Page|Home$|End$| $)/.test(event.key)) return;
    if (event.key === ' ' && target.closest('button')) return;
    if (act(explorer, event, help)) event.preventDefault();
  };
  document.addEventListener('keydown', listen);
  return () => document.removeEventListener('keydown', listen);
}

function act(explorer: Explorer, { key, shiftKey }: KeyboardEvent, help: () => void): boolean {
  const { frame, playing, opacity, picks, layer } = explorer;
  const move = (to: number): true => {
    playing.value = false;
    explorer.toFrame(to);
    return true;
  };
  const choices = layerChoices(explorer);
  if (key === ' ') playing.value = !playing.value;
  else if (key === 'ArrowLeft') return move(shiftKey ? neighbor(explorer, -1) : frame.value - 1);
  else if (key === 'ArrowRight') return move(shiftKey ? neighbor(explorer, 1) : frame.value + 1);
  else if (key === 'PageUp') return move(clipAt(explorer, -1));
  else if (key === 'PageDown') return move(clipAt(explorer, 1));
  else if (key === 'Home') return move(0);
  else if (key === 'End') return move(explorer.lastFrame());
  else if (key === '[') opacity.value = Math.max(0, Math.round(opacity.value * 10 - 1) / 10);
  else if (key === ']') opacity.value = Math.min(1, Math.round(opacity.value * 10 + 1) / 10);
  else if (key === 'Escape' && picks.value.length > 0) explorer.clear();
  else if (key === '?') help();
  else if (/^[1-9]$/.test(key) && choices[Number(key) - 1]) layer.value = choices[Number(key) - 1]!.layer;
  else return false;
  return true;
}

/** The first frame of the step before or after. */
function neighbor({ clip, step, frame, bundle }: Explorer, by: -1 | 1): number {
  if (clip.value === undefined) return frame.value + by;
  const shown = bundle.clips[clip.value]!;
  const to = step.value + by;
  if (to < 0) return shown.frames[0]! - 1;
  return to < shown.grid[0] ? frameOfStep(shown, to) : shown.frames.at(-1)! + 1;
}

/** The first frame of the clip before or after. */
function clipAt({ clip, frame, sequence, bundle }: Explorer, by: -1 | 1): number {
  const clips = bundle.clipsOf[sequence.value]!;
  const at = clip.value === undefined ? -1 : clips.indexOf(clip.value);
  const to = clips[at + by];
  return to === undefined ? frame.value : bundle.clips[to]!.frames[0]!;
}
