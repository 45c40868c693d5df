// Makes a bundle for the page from files of tokens: a run of its own, of stored features and `sink/explorer`.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { definePipeline, use } from '@deepearth/core/pipeline';
import { run } from '@deepearth/runtime/run';
import { explorer } from '@deepearth/sinks/explorer';
import { features } from '@deepearth/sources/features';
import { builtinStages } from '../registry.ts';
import { cliVersions } from '../versions.ts';
import { storedProjections } from './stored-projections.ts';

/** What a bundle is made of, and how. */
export interface BundleOptions {
  readonly name: string;
  /** A file or a folder for `source/features`. */
  readonly tokens: string;
  /** Files of projections, by reducer. */
  readonly projections: ReadonlyMap<string, readonly string[]>;
  /** Where pictures are looked for by name. */
  readonly frames?: string | undefined;
  readonly pictureEdge?: number | undefined;
  readonly signal: AbortSignal;
  progress(step: string, done: number, total: number | null): void;
  warn(message: string): void;
}

/** An item that could not be taken, and why. */
export interface LeftOut {
  readonly item: string;
  readonly message: string;
}

/** Writes `explorer/` into a folder; returns what was left out of it. Throws an `InputError` where nothing is left. */
export async function makeBundle(output: string, options: BundleOptions): Promise<readonly LeftOut[]> {
  const { name, tokens, projections, frames, pictureEdge, signal, progress, warn } = options;
  const layers = [...projections.values()].map((paths, i) => ({ id: `projection-${i}`, paths: [...paths] }));
  const pipeline = definePipeline(
    [
      use(features, { path: tokens, ...(frames !== undefined && { frames }) }, { id: 'tokens', onError: 'skip' }),
      ...layers.map(({ id, paths }) => use(storedProjections, { paths }, { id, onError: 'skip' })),
      use(
        explorer,
        { ...(pictureEdge !== undefined && { pictureEdge }) },
        { id: 'explorer', from: ['tokens', ...layers.map(({ id }) => id)], onError: 'skip' },
      ),
    ],
    { name },
  );
  const running = run(pipeline, { output, signal, registry: builtinStages(), versions: cliVersions() });
  const leftOut: LeftOut[] = [];
  running.events$.subscribe({
    next: (event) => {
      if (event.type === 'progress') progress(event.step, event.done, event.total);
      else if (event.type === 'warning') warn(event.message);
      else if (event.type === 'skipped') leftOut.push(event);
    },
    error: () => undefined, // It is thrown below.
  });
  await running.end;
  if (!existsSync(join(output, 'explorer/index.json')))
    throw new InputError(
      tokens,
      `holds no tokens that can be shown${leftOut[0] ? `: ${leftOut[0].item}: ${leftOut[0].message}` : '.'}`,
      { code: 'E_NO_FEATURES', remedy: 'Name the folder that `sink/features` wrote tokens to.' },
    );
  return leftOut;
}
