// What shards do of a fit to everything that a run sends: parts of the fit, and the items placed by it once it is made.

import { lineage } from './lineage.ts';

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
