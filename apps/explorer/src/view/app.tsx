// The page.

import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Explorer } from '../state/explorer.ts';
import { pickMode } from '../state/pick-mode.ts';
import { ClustersPanel } from './clusters-panel.tsx';
import { Help } from './help.tsx';
import { listenToKeys } from './keys.ts';
import { MatchesPanel } from './matches-panel.tsx';
import type { Beside } from '../beside/open-beside.ts';
import type { Overlay } from './overlay.ts';
import { LazySection } from './lazy-section.tsx';
import { LazyView } from './lazy-view.tsx';
import { NewClips } from './new-clips.tsx';
import { Stage } from './stage.tsx';
import { TimeLine } from './time-line.tsx';
import { ToolBar } from './tool-bar.tsx';
import { TopBar } from './top-bar.tsx';
import { Transport } from './transport.tsx';

const loadMap = async () => (await import('../map/map-view.tsx')).MapView;
const loadRun = async () => (await import('./run-view.tsx')).RunView;
const loadPlaces = async () => (await import('../map/map-view.tsx')).PlacesPanel;

export function App({
  explorer,
  overlay,
  beside,
}: {
  explorer: Explorer;
  overlay: ReadonlySignal<Overlay | undefined>;
  beside?: Beside | undefined;
}) {
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => listenToKeys(explorer, () => help.current?.showModal()), [explorer]);
  return (
    <>
      <TopBar explorer={explorer} overlay={overlay} help={() => help.current?.showModal()} />
      <main hidden={explorer.view.value === 'run'}>
        <div class="viewer">
          <ToolBar explorer={explorer} />
          {explorer.view.value === 'map' ? (
            <LazyView explorer={explorer} load={loadMap} />
          ) : (
            <div class="stages">
              <Stage explorer={explorer} overlay={overlay} />
              {beside && <beside.Stage first={explorer} beside={beside} />}
            </div>
          )}
          <Transport explorer={explorer} />
          <TimeLine explorer={explorer} />
        </div>
        <aside aria-label="Results">
          {explorer.view.value === 'map' && <LazyView explorer={explorer} load={loadPlaces} />}
          {explorer.layer.value === 'clusters' && <ClustersPanel explorer={explorer} />}
          <MatchesPanel explorer={explorer} />
          {beside && <beside.Results first={explorer} beside={beside} />}
          <LazySection
            explorer={explorer}
            title="Labels"
            load={async () => (await import('./labels-panel.tsx')).LabelsPanel}
            closed={() => pickMode.value === 'mark' && (pickMode.value = 'new')}
          />
          <LazySection
            explorer={explorer}
            title="Scatter"
            load={async () => (await import('./scatter-panel.tsx')).ScatterPanel}
            closed={() => (explorer.lasso.value = undefined)}
          />
          <LazySection
            explorer={explorer}
            title="Export"
            load={async () => (await import('../export/export-panel.tsx')).ExportPanel}
            closed={() => undefined}
          />
        </aside>
      </main>
      {explorer.view.value === 'run' && <LazyView explorer={explorer} load={loadRun} />}
      <NewClips bundle={explorer.bundle} />
      {explorer.message.value && (
        <p class="message" role="alert">
          {explorer.message.value}
          <button type="button" onClick={() => (explorer.message.value = '')}>
            Close
          </button>
        </p>
      )}
      <Help dialog={help} />
    </>
  );
}
