// Opens a second run beside the first.

import type { ReadonlySignal } from '@preact/signals';
import { openBundle } from '../bundle/bundle.ts';
import { makeExplorer, type Explorer } from '../state/explorer.ts';
import { followOverlay, type Overlay } from '../view/overlay.ts';
import { BesideResults } from './beside-results.tsx';
import { BesideStage } from './beside-stage.tsx';
import type { FramePairs } from './frame-pairs.ts';
import { keepInStep } from './in-step.ts';

/** The second run, and what shows it. */
export interface Beside {
  readonly explorer: Explorer;
  readonly overlay: ReadonlySignal<Overlay | undefined>;
  readonly pairs: FramePairs;
  readonly Stage: typeof BesideStage;
  readonly Results: typeof BesideResults;
}

/** Throws where it has nothing to show. */
export async function openBeside(first: Explorer, url: string): Promise<Beside> {
  const bundle = await openBundle(url);
  if (!bundle || bundle.clips.length === 0) throw new Error('The second run made no tokens.');
  const explorer = makeExplorer(bundle, '', { address: false });
  const pairs = keepInStep(first, explorer);
  return { explorer, overlay: followOverlay(explorer), pairs, Stage: BesideStage, Results: BesideResults };
}
