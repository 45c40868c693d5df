// Reads a frame from its locator, by the source (or the transform) that it names.

import { InputError } from './errors.ts';
import type { Locator, Raster, ReadOptions } from './items.ts';
import { lineage } from './lineage.ts';
import { windowWithin } from './raster-part.ts';
import type { Resources } from './resources.ts';
import type { StageContext, StageDefinition } from './stage.ts';
import type { RunStore } from './store.ts';

/** What reading again needs of a run. */
export interface Reopening {
  readonly signal: AbortSignal;
  readonly store: RunStore;
  readonly resources: Resources;
  /** Finds the source that opens a locator. */
  reopener(source: string): Promise<StageDefinition | undefined>;
}

/** Throws an `InputError` where there is no such source, or where it cannot open its frames again. */
export async function reopen(named: Locator, options: ReadOptions, services: Reopening): Promise<Raster> {
  const { window: part, ...locator } = named;
  const source = await services.reopener(locator.source);
  if (!source?.reopen)
    throw new InputError(
      locator.uri,
      source ? `${locator.source} cannot open it again.` : `there is no ${locator.source} that could open it.`,
      { code: 'E_LOCATOR', remedy: 'Name the plugin that it came from in the pipeline.' },
    );
  const { keep } = services.resources;
  const read = part ? { ...options, window: windowWithin(part, options.window) } : options;
  const { signal } = services;
  return source.reopen(locator, read, {
    keep,
    share: sharing(services),
    signal,
    reopen: (inner, part = {}) => reopen(inner, { signal, ...part }, services),
  });
}

/** `share` of a stage's context: what is opened may have scratch that stays until the run ends. */
export const sharing =
  ({ resources, store }: Pick<Reopening, 'resources' | 'store'>): StageContext['share'] =>
  (name, open, close) =>
    resources.share(
      name,
      () =>
        open({
          scratch: (file) =>
            resources.keep(
              () => store.scratch(`shared/${lineage(name)}/${file}`),
              (room) => room.close(),
            ),
        }),
      close,
    );
