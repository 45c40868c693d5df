// Brings frames back that were written down as JSON, in whatever process.

import type { Frame, FrameRecord } from './items.ts';
import { memoryStore } from './memory-store.ts';
import type { StageRegistry } from './registry.ts';
import { reopen } from './reopen.ts';
import { runResources } from './resources.ts';
import type { RunStore } from './store.ts';

/** What a frame reader goes by. */
export interface FrameReaderOptions {
  /** Where the sources are that frames name. */
  readonly registry: StageRegistry;
  readonly signal?: AbortSignal;
  /** Room for sources that need scratch; memory unless told. */
  readonly store?: RunStore;
}

/** Makes frames of their records. */
export interface FrameReader {
  /**
   * A frame that is read from its locator, by the source that the locator names. A source refuses a file that is no
   * longer the one whose digest the locator has.
   */
  frame(record: FrameRecord): Frame;
  /** Closes what reading has opened; frames cannot be read afterwards. */
  close(): Promise<void>;
}

/** Reads frames outside of a run. Inside of one, a stage has `context.reopen`. */
export function frameReader({
  registry,
  signal = new AbortController().signal,
  store = memoryStore(),
}: FrameReaderOptions): FrameReader {
  const resources = runResources();
  const services = {
    signal,
    store,
    resources,
    reopener: async (type: string) => (registry.has(type) ? registry.load(type) : undefined),
  };
  return {
    frame: (record) => ({
      ...record,
      read: (options) => reopen(record.locator, { signal, ...options }, services),
    }),
    close: () => resources.close(),
  };
}
