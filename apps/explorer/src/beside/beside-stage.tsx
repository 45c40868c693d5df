// The frame of the second run.

import type { Explorer } from '../state/explorer.ts';
import { Stage } from '../view/stage.tsx';
import { TimeLine } from '../view/time-line.tsx';
import type { Beside } from './open-beside.ts';

/** What a run is called above its frame. */
export const runTitle = ({ bundle }: Explorer): string =>
  `${bundle.encoder.name}, ${bundle.clips[0]!.grid.join(' × ')}`;

export function BesideStage({ first, beside }: { first: Explorer; beside: Beside }) {
  const { explorer, overlay, pairs } = beside;
  const there = pairs.there({ sequence: first.sequence.value, frame: first.frame.value });
  const { numbers } = first.bundle.sequences[first.sequence.value]!;
  return (
    <section class="beside" aria-label="Second run">
      <h2>{runTitle(explorer)}</h2>
      {!there && (
        <p class="hint" role="status">
          It does not have frame {numbers[first.frame.value]}.
        </p>
      )}
      <div class="beside-stage" hidden={!there}>
        <Stage explorer={explorer} overlay={overlay} />
      </div>
      <TimeLine explorer={explorer} label="Time in the second run" />
    </section>
  );
}
