// Keeps items that wait on disk, and gives them back as often as they are wanted.

import { concat } from './concat.ts';
import { packing } from './packed-item.ts';
import type { Scratch } from './stage.ts';

/** Where an item lies. */
export interface Shelved<T> {
  readonly offset: number;
  readonly bytes: number;
  /** What of it cannot be bytes; absent where all can. */
  readonly handles?: readonly unknown[];
  /** Of no value: says what comes back. */
  readonly item?: T;
}

/** Items in scratch. */
export interface ItemShelf {
  put<T>(item: T): Promise<Shelved<T>>;
  /** An equal item; may be called again. */
  take<T>(shelved: Shelved<T>): Promise<T>;
}

/** The scratch belongs to whoever opens it. */
export function itemShelf(scratch: Pick<Scratch, 'append' | 'read'>): ItemShelf {
  const { pack, unpack } = packing();
  return {
    async put(item) {
      const { pieces, bytes, handles } = pack(item);
      const offset = await scratch.append(concat(pieces));
      return { offset, bytes, ...(handles.length && { handles }) };
    },
    async take<T>({ offset, bytes, handles = [] }: Shelved<T>) {
      return unpack(await scratch.read(offset, bytes), handles) as T;
    },
  };
}
