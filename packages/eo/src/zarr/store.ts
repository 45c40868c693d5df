// Where the files of a Zarr store come from: a folder, a zip file, a server.

import type { Room } from './buffer-pool.ts';

/** Part of a stored value: `length` bytes from `offset`, or the last `length` bytes. */
export type Part = { readonly offset: number; readonly length: number } | { readonly last: number };

/** Values by key ("red/c/0/0"), as the Zarr specification has it. */
export interface ZarrStore {
  /** As the user named it. */
  readonly name: string;
  /**
   * The value of a key or a part of it, `undefined` where there is none. Throws an `InputError` that names the key when
   * it cannot be read, or is shorter than the part that is wanted. Where a store can, the bytes lie in `room`.
   */
  get(key: string, part?: Part, signal?: AbortSignal, room?: Room): Promise<Uint8Array | undefined>;
  /** Names of folders and files right under a prefix ("" or "group/"); `undefined` where the store cannot be listed. */
  list(prefix: string, signal?: AbortSignal): Promise<readonly string[] | undefined>;
  /** Keys and sizes of all values, for `inspect`; `undefined` where the store cannot be listed. */
  sizes(signal?: AbortSignal): Promise<ReadonlyMap<string, number> | undefined>;
  close(): Promise<void>;
}
