// What shards do of a fit to everything that a run sends: parts of the fit, and the items placed by it once it is made.

import type { ByteSource } from './byte-source.ts';
import { lineage } from './lineage.ts';
import type { StageContext, StageDefinition } from './stage.ts';

/** What a fit of parts is given. */
export interface FitOfParts {
  /** As the stage has them. */
  readonly options: unknown;
  readonly signal: AbortSignal;
  /** The same as `progress` of a `StageContext`. */
  readonly progress: StageContext['progress'];
}

/**
 * How a stage that fits to all of its items does so in shards. It changes no byte of a result: what shards leave is found by
 * keys of all that it depends on, and what is not found is made by the run of the whole pipeline.
 */
export interface FitInShards {
  /** Whether a stage of these options fits, and its parts are smaller than what they are made of. */
  fits(options: unknown): boolean;
  /**
   * Takes the stage's place in a shard whose first token has the number `first` over the whole input. It writes
   * `partPath(id)`, and a `PartKeys` as JSON at `partKeysPath(id)`; neither where nothing came.
   */
  collect(first: number): StageDefinition;
  /**
   * Fits to the parts of all shards, which come in the order of their items; returns the bytes of the model, or `undefined`
   * where no item holds a token. Throws an `InputError` (`E_PARTS`) where parts do not follow one another.
   */
  fit(parts: AsyncIterable<ByteSource>, about: FitOfParts): Promise<Uint8Array | undefined>;
  /**
   * Takes the stage's place in a shard when the fit is there: writes what becomes of each item, at `placesPath` of the key
   * `placeKey`.
   */
  readonly place: StageDefinition;
}

/** What a part was made of. */
export interface PartKeys {
  /** `context.key()` of the stage: its type and options. */
  readonly seed: string;
  /** The keys of the items, in order. */
  readonly keys: readonly string[];
}

/** The path of the part of a stage in the store of a shard; an id may be any text. */
export const partPath = (id: string): string => `parts/${lineage('part', id)}.safetensors`;
/** The path of the keys of what a part was made of. */
export const partKeysPath = (id: string): string => `parts/${lineage('part', id)}.json`;
/** The path of what a shard has placed under a key. */
export const placesPath = (key: string): string => `places/${lineage(key)}`;

/** Under this key a run finds the `PartKeys` of the fit of a stage. */
export const fitKey = (id: string, seed: string): string => `fit:${lineage(id, seed)}`;
/** Under this key it finds the model that was fitted to these items. */
export const modelKey = (id: string, { seed, keys }: PartKeys): string => `model:${lineage(id, seed, ...keys)}`;
/** Under this key it finds what the model makes of an item. */
export const placeKey = (model: string, key: string): string => `place:${lineage(model, key)}`;

/** Whether a key is one of a fit, and not of an item. */
export const isFitKey = (key: string): boolean => /^(?:fit|model|place):/.test(key);
