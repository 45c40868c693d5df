// Opens the bundle beside the page and shows it.

import { render } from 'preact';
import { openBundle, versionOf } from './bundle/bundle.ts';
import { makeExplorer } from './state/explorer.ts';
import { watchRun } from './state/run.ts';
import { play } from './state/play.ts';
import { App } from './view/app.tsx';
import { followOverlay } from './view/overlay.ts';
import { Waiting } from './view/waiting.tsx';

const root = document.getElementById('root')!;

async function start(): Promise<void> {
  const bundle = await openBundle(new URL('data/', document.baseURI).href);
  if (!bundle) {
    root.replaceChildren();
    render(<Waiting />, root);
    return;
  }
  if (versionOf(bundle) !== undefined) watchRun();
  if (bundle.clips.length === 0) throw new Error('The run made no tokens.');
  const second = document.querySelector<HTMLMetaElement>('meta[name="beside"]')?.content;
  document.title = `${bundle.name} · DeepEarth explorer`;
  const explorer = makeExplorer(bundle, location.hash);
  const beside =
    second === undefined
      ? undefined
      : await (await import('./beside/open-beside.ts')).openBeside(explorer, new URL(second, document.baseURI).href);
  play(explorer);
  // What the page itself writes there does not come here.
  addEventListener('hashchange', () => explorer.follow(location.hash));
  root.replaceChildren();
  render(<App explorer={explorer} overlay={followOverlay(explorer)} beside={beside} />, root);
}

start().catch((error: unknown) => {
  root.replaceChildren();
  render(
    <p class="failure" role="alert">
      {error instanceof Error ? error.message : String(error)}
    </p>,
    root,
  );
});
