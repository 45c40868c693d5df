// How far two runs agree, and what the second one finds.

import { effect, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';
import { MatchesPanel } from '../view/matches-panel.tsx';
import { plural } from '../view/words.ts';
import { agreementOf, type Agreement } from './agreement.ts';
import type { Beside } from './open-beside.ts';

const number = (value: number): string => (Number.isNaN(value) ? 'too little to tell' : value.toFixed(2));

export function BesideResults({ first, beside }: { first: Explorer; beside: Beside }) {
  const { explorer, pairs } = beside;
  const agreement = useSignal<Agreement | undefined>(undefined);
  useEffect(() => {
    let latest = 0;
    return effect(() => {
      const mine = ++latest;
      agreementOf(first, explorer, pairs).then(
        (found) => {
          if (mine === latest) agreement.value = found;
        },
        (error: unknown) => (first.message.value = String(error)),
      );
    });
  }, [first, explorer]);
  const lost = first.picks.value.length - explorer.picks.value.length;
  const found = agreement.value;
  return (
    <>
      <section class="panel" aria-labelledby="agreement-title">
        <h2 id="agreement-title">Agreement</h2>
        <p class="hint">
          {pairs.shared === pairs.frames
            ? `Both runs have these ${plural(pairs.frames, 'frame')}.`
            : `Of ${plural(pairs.frames, 'frame')} of the first run the second has ${pairs.shared || 'none'}.`}
          {lost > 0 && ` ${plural(lost, 'pick')} of the first run cannot be made in the second.`}
        </p>
        {found ? (
          <dl class="agreement">
            <dt>Heat maps of this frame</dt>
            <dd title={`Rank correlation over ${plural(found.cells, 'cell')}`}>{number(found.map)}</dd>
            <dt>Best similarity over time</dt>
            <dd title={`Rank correlation over ${plural(found.frames, 'frame')}`}>{number(found.curve)}</dd>
          </dl>
        ) : (
          <p class="hint">Pick a token in either run: the rank correlation of what they find like it stands here.</p>
        )}
      </section>
      <MatchesPanel explorer={explorer} title={`Like this: ${explorer.bundle.encoder.name}`} />
    </>
  );
}
