// Plays, steps, and says where one is.

import type { Explorer } from '../state/explorer.ts';
import { PickModes } from './pick-modes.tsx';
import { frameTime } from './words.ts';

export function Transport({ explorer }: { explorer: Explorer }) {
  const { bundle, sequence, frame, playing, clip, step } = explorer;
  const shown = bundle.sequences[sequence.value]!;
  const time = frameTime(shown, frame.value);
  const stepTo = (by: number): void => {
    playing.value = false;
    explorer.toFrame(frame.value + by);
  };
  return (
    <div class="transport">
      <button type="button" class="icon" aria-label="Frame before" title="Frame before (←)" onClick={() => stepTo(-1)}>
        <Icon path="M10 2 4 8l6 6z" />
      </button>
      <button
        type="button"
        class="icon primary"
        aria-label={playing.value ? 'Pause' : 'Play'}
        title={playing.value ? 'Pause (Space)' : 'Play (Space)'}
        onClick={() => (playing.value = !playing.value)}
      >
        <Icon path={playing.value ? 'M4 2h3v12H4zM9 2h3v12H9z' : 'M4 2l10 6-10 6z'} />
      </button>
      <button type="button" class="icon" aria-label="Frame after" title="Frame after (→)" onClick={() => stepTo(1)}>
        <Icon path="M6 2l6 6-6 6z" />
      </button>
      {bundle.sequences.length > 1 && (
        <select
          aria-label="Sequence"
          value={sequence.value}
          onChange={(event) => explorer.toSequence(Number(event.currentTarget.value))}
        >
          {bundle.sequences.map(({ name }, index) => (
            <option key={index} value={index}>
              {name}
            </option>
          ))}
        </select>
      )}
      <p class="place">
        <strong>Frame {shown.numbers[frame.value]}</strong>
        {time && <span>{time}</span>}
        {clip.value !== undefined && (
          <span>
            clip {bundle.clipsOf[sequence.value]!.indexOf(clip.value) + 1} of {bundle.clipsOf[sequence.value]!.length},
            step {step.value + 1} of {bundle.clips[clip.value]!.grid[0]}
          </span>
        )}
      </p>
      <PickModes />
    </div>
  );
}

export const Icon = ({ path }: { path: string }) => (
  <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="currentColor">
    <path d={path} />
  </svg>
);
