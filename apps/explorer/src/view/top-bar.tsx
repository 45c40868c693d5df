// What is shown, and what can be taken away.

import type { ReadonlySignal } from '@preact/signals';
import type { Explorer } from '../state/explorer.ts';
import { theme, themes } from '../state/theme.ts';
import type { Overlay } from './overlay.ts';
import { ViewChoice } from './view-choice.tsx';
import { plural } from './words.ts';

export function TopBar({
  explorer,
  overlay,
  help,
}: {
  explorer: Explorer;
  overlay: ReadonlySignal<Overlay | undefined>;
  help: () => void;
}) {
  const { bundle, loaded, chunksThere } = explorer;
  const { overlap, bytes } = bundle.code;
  const save = async (what: 'picture' | 'table'): Promise<void> => {
    const { savePicture, saveTable } = await import('./save.ts');
    if (what === 'picture') await savePicture(explorer, overlay.value);
    else saveTable(explorer);
  };
  return (
    <header>
      <h1>{bundle.name}</h1>
      <p class="about">
        <span>{bundle.encoder.name}</span>
        <span>{plural(bundle.clips.length, 'clip')}</span>
        <span
          title={
            overlap === null
              ? ''
              : `${bytes} bytes a token keep ${(overlap * 100).toFixed(0)} % of the 20 nearest tokens by exact cosine`
          }
        >
          {plural(bundle.tokens, 'token')}
        </span>
        {!loaded.value && (
          <span role="status">loading {Math.round((100 * chunksThere.value) / bundle.chunks.length)} %</span>
        )}
      </p>
      <ViewChoice explorer={explorer} />
      <div class="actions">
        <button type="button" onClick={() => void save('picture')}>
          Save PNG
        </button>
        <button type="button" disabled={explorer.matches.value.length === 0} onClick={() => void save('table')}>
          Save CSV
        </button>
        <select
          aria-label="Light or dark"
          value={theme.value}
          onChange={(event) => (theme.value = event.currentTarget.value as (typeof themes)[number])}
        >
          {themes.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <button type="button" class="icon" aria-label="Keys" title="Keys (?)" onClick={help}>
          ?
        </button>
      </div>
    </header>
  );
}
