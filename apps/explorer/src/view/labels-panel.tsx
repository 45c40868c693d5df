// A few tokens named by hand, and what follows for all others.

import { effect, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { categoryColor } from '@deepearth/vision/colormaps';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Sample } from '../search/search-pool.ts';
import type { Explorer } from '../state/explorer.ts';
import { labelsFile, labelsOf, modelForFile, uncertain } from '../state/labels.ts';
import type { Match } from '../state/matches.ts';
import { activeLabel, pickMode } from '../state/pick-mode.ts';
import { nameOf, save } from './save.ts';
import { Thumbnail } from './thumbnail.tsx';
import { plural } from './words.ts';

/** More colours than these are hard to tell apart. */
const mostLabels = 10;
const sampled = 20_000;
const shown = 6;

const swatch = (label: number) => ({ '--swatch': `rgb(${categoryColor(label).join(' ')})` });

export function LabelsPanel({ explorer }: { explorer: Explorer }) {
  const { labels, message, bundle } = explorer;
  const { names, marks } = labels.value;
  const marking = pickMode.value === 'mark';
  const rename = (label: number, name: string): void => {
    labels.value = { names: names.map((each, i) => (i === label ? name : each)), marks };
  };
  const open = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      const { strangers, ...read } = labelsOf(bundle, await file.text());
      labels.value = read;
      if (strangers > 0) message.value = `${plural(strangers, 'mark')} of other tokens than these were left out.`;
    } catch (error) {
      message.value = `${file.name}: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  return (
    <>
      <p class="hint">Mark a few tokens of each kind; all others take the colour of the likeliest.</p>
      <ul class="clusters labels">
        {names.map((name, label) => (
          <li key={label}>
            <button
              type="button"
              class="swatch"
              style={swatch(label)}
              aria-pressed={marking && activeLabel.value === label}
              aria-label={`Mark tokens as ${name || `label ${label + 1}`}`}
              title="Clicks mark tokens with this"
              onClick={() => {
                const again = marking && activeLabel.value === label;
                activeLabel.value = label;
                pickMode.value = again ? 'new' : 'mark';
              }}
            />
            <input
              aria-label={`Name of label ${label + 1}`}
              value={name}
              onInput={(event) => rename(label, event.currentTarget.value)}
            />
            <span class="share">{marks.filter((mark) => mark.label === label).length}</span>
          </li>
        ))}
      </ul>
      <div class="row">
        <button
          type="button"
          disabled={names.length >= mostLabels}
          onClick={() => (labels.value = { names: [...names, String.fromCharCode(65 + names.length)], marks })}
        >
          Add a label
        </button>
        <button type="button" disabled={marks.length === 0} onClick={() => void saveLabels(explorer)}>
          Save JSON
        </button>
        <label class="file">
          Open
          <input
            type="file"
            accept=".json,application/json"
            onChange={(event) => {
              void open(event.currentTarget.files?.[0]);
              event.currentTarget.value = '';
            }}
          />
        </label>
      </div>
      <Uncertain explorer={explorer} />
    </>
  );
}

/** With the model where there is one, for `deepearth label`; marks are saved in any case. */
async function saveLabels(explorer: Explorer): Promise<void> {
  const { bundle, labels, labelModel, message } = explorer;
  const model =
    labelModel.value &&
    (await modelForFile(bundle, labelModel.value).catch((error: unknown) => {
      message.value = error instanceof Error ? error.message : String(error);
      return undefined;
    }));
  save(
    new Blob([labelsFile(bundle, labels.value, model)], { type: 'application/json' }),
    `${nameOf(explorer)}_labels.json`,
  );
}

/** What would help most to know. */
function Uncertain({ explorer }: { explorer: Explorer }) {
  const { labels, labelModel, loaded, pool, bundle } = explorer;
  const sample = useSignal<Sample | undefined>(undefined);
  const found = useSignal<readonly Match[]>([]);
  useEffect(
    () =>
      effect(() => {
        if (loaded.value && labelModel.value && !sample.peek())
          pool.sample(sampled).then(
            (tokens) => (sample.value = tokens),
            (error: unknown) => (explorer.message.value = String(error)),
          );
      }),
    [explorer],
  );
  useEffect(
    () =>
      effect(() => {
        const model = labelModel.value;
        found.value = model && sample.value ? uncertain(bundle, sample.value, model, shown) : [];
      }),
    [explorer],
  );
  if (!labelModel.value) return <p class="hint">Two labels need a token each, at least.</p>;
  return (
    <>
      <h3>Uncertain</h3>
      <ul class="matches">
        {found.value.map((match) => {
          const { clip, step, row, column } = match;
          const { sequence } = bundle.clips[clip]!;
          const frame = bundle.sequences[sequence]!.numbers[frameOfStep(bundle.clips[clip]!, step)];
          return (
            <li key={`${clip}.${step}.${row}.${column}`}>
              <button
                type="button"
                class="match"
                aria-label={`Show frame ${frame}`}
                onClick={() => explorer.toStep(clip, step)}
              >
                <Thumbnail
                  explorer={explorer}
                  place={{ clip, step, top: row, bottom: row, left: column, right: column }}
                  color="#ffffff"
                />
              </button>
              <span class="answers">
                {labels.value.names.map((name, label) => (
                  <button
                    key={label}
                    type="button"
                    class="swatch"
                    style={swatch(label)}
                    aria-label={`It is ${name || `label ${label + 1}`}`}
                    title={name}
                    onClick={() => explorer.mark({ clip, step, row, column }, label)}
                  />
                ))}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
