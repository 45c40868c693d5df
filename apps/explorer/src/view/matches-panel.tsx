// What was picked, and what is like it.

import { useId } from 'preact/hooks';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Explorer } from '../state/explorer.ts';
import type { Match } from '../state/matches.ts';
import type { Pick } from '../state/picks.ts';
import { pickColors } from './draw-stage.ts';
import { Thumbnail } from './thumbnail.tsx';
import { formatScore, plural } from './words.ts';

export function MatchesPanel({ explorer, title = 'Like this' }: { explorer: Explorer; title?: string }) {
  const { picks, matches } = explorer;
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {picks.value.length === 0 ? (
        <p class="hint">
          Click a token to see what is like it, in this clip and all others. Drag over a region to look for its mean.
        </p>
      ) : (
        <>
          <ul class="picks">
            {picks.value.map((pick, index) => (
              <PickChip key={`${index} ${JSON.stringify(pick)}`} explorer={explorer} pick={pick} index={index} />
            ))}
          </ul>
          <SearchState explorer={explorer} />
          <ol class="matches">
            {matches.value.map((match) => (
              <MatchItem
                key={`${match.clip}.${match.step}.${match.row}.${match.column}`}
                explorer={explorer}
                match={match}
              />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function PickChip({ explorer, pick, index }: { explorer: Explorer; pick: Pick; index: number }) {
  const { bundle } = explorer;
  const { sequence } = bundle.clips[pick.clip]!;
  const frame = bundle.sequences[sequence]!.numbers[frameOfStep(bundle.clips[pick.clip]!, pick.step)];
  const word = pick.sign === 1 ? 'Like' : 'Unlike';
  return (
    <li class="pick" data-sign={pick.sign}>
      <button
        type="button"
        aria-label={`${word} frame ${frame}: show it`}
        title="Show it"
        onClick={() => explorer.toStep(pick.clip, pick.step)}
      >
        <Thumbnail explorer={explorer} place={pick} color={pickColors[pick.sign]} />
        <span aria-hidden="true">{pick.sign === 1 ? '+' : '−'}</span>
      </button>
      <button
        type="button"
        class="remove"
        aria-label={`Forget ${word.toLowerCase()} frame ${frame}`}
        title="Forget it"
        onClick={() => explorer.drop(index)}
      >
        ×
      </button>
    </li>
  );
}

function SearchState({ explorer }: { explorer: Explorer }) {
  const { found, query, loaded, bundle } = explorer;
  const result = found.value;
  if (!result) return <p class="hint">{query.value ? 'Searching …' : 'The picks saw no data.'}</p>;
  const { tokens } = result.overall;
  return (
    <p class="hint" role="status">
      {loaded.value ? '' : `${Math.round((100 * tokens) / Math.max(1, bundle.tokens))} % of `}
      {plural(loaded.value ? tokens : bundle.tokens, 'token')} in {Math.max(1, Math.round(result.milliseconds))} ms
    </p>
  );
}

function MatchItem({ explorer, match }: { explorer: Explorer; match: Match }) {
  const { bundle } = explorer;
  const clip = bundle.clips[match.clip]!;
  const sequence = bundle.sequences[clip.sequence]!;
  const frame = sequence.numbers[frameOfStep(clip, match.step)];
  const several = bundle.sequences.length > 1;
  const place = {
    clip: match.clip,
    step: match.step,
    top: match.row,
    bottom: match.row,
    left: match.column,
    right: match.column,
  };
  return (
    <li>
      <button type="button" class="match" onClick={() => explorer.toStep(match.clip, match.step)}>
        <Thumbnail explorer={explorer} place={place} color="#ffffff" />
        <span class="score">{formatScore(match.score)}</span>
        <span class="where">
          {several && <span>{sequence.name} </span>}
          <span>frame {frame}</span>
        </span>
      </button>
    </li>
  );
}
