// A run store in memory: for tests, for browsers, and for runs whose pictures go elsewhere.

import { concat } from './concat.ts';
import { roomIn } from './room-in.ts';
import type { ByteSource } from './byte-source.ts';
import { InputError } from './errors.ts';
import { sha256 } from './sha256.ts';
import { stateFolder } from './safe-path.ts';
import type { Content, Scratch } from './stage.ts';
import type { RunStore, Stored } from './store.ts';

/** Makes an empty store. What it holds is read through `get` and `list`. */
export function memoryStore(name = 'memory'): RunStore {
  const files = new Map<string, Uint8Array>();
  const journal: string[] = [];
  let taken = false;

  const keep = (path: string, bytes: Uint8Array): Stored => {
    files.set(path, bytes);
    return { bytes: bytes.byteLength, sha256: sha256(bytes) };
  };

  return {
    name,
    get: async (path) => {
      const bytes = files.get(path);
      return bytes && sourceOf(path, bytes);
    },
    has: async (path) => files.has(path),
    put: async (path, content) => keep(path, await gather(content)),
    async writer(path) {
      let parts: Uint8Array[] | undefined = [];
      return {
        append: async (bytes) => void parts?.push(bytes.slice()),
        async commit(record, as = path) {
          if (!parts) throw new Error(`${path} was let go`);
          const whole = concat(parts);
          parts = undefined;
          await record?.({ bytes: whole.byteLength, sha256: sha256(whole) });
          return keep(as, whole);
        },
        discard: async () => void (parts = undefined),
      };
    },
    async *list(prefix = '') {
      const own = prefix.startsWith(stateFolder);
      for (const path of [...files.keys()].sort()) {
        if (path.startsWith(prefix) && (own || !path.startsWith(`${stateFolder}/`)))
          yield { path, bytes: files.get(path)!.byteLength };
      }
    },
    remove: async (path) => void files.delete(path),
    async lock() {
      if (taken)
        throw new InputError(name, 'another run is writing here.', {
          code: 'E_OUTPUT_BUSY',
          remedy: 'Wait for it, or give each run a store of its own.',
        });
      taken = true;
      return { release: async () => void (taken = false) };
    },
    scratch: async () => memoryScratch(),
    appendJournal: async (...lines) => void journal.push(...lines),
    readJournal: async () => [...journal],
    settle: async (keepJournal) => {
      if (!keepJournal) journal.length = 0;
    },
  };
}

/** Scratch in memory; pieces stay as they came. */
export function memoryScratch(): Scratch & { close(): Promise<void> } {
  let parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  let length = 0;
  return {
    get length() {
      return length;
    },
    async append(bytes) {
      const at = length;
      parts.push({ at, bytes: bytes.slice() });
      length += bytes.byteLength;
      return at;
    },
    async read(offset, count, into) {
      if (offset < 0 || offset + count > length)
        throw new RangeError(`bytes ${offset} to ${offset + count} of ${length}`);
      const out = roomIn(into, count);
      // Records are mostly read as they were written, so the search begins at the part that holds the first byte.
      let index = lastAtOrBefore(parts, offset);
      for (let done = 0; done < count; index++) {
        const { at, bytes } = parts[index]!;
        const piece = bytes.subarray(offset + done - at, offset + count - at);
        out.set(piece, done);
        done += piece.byteLength;
      }
      return out;
    },
    async clear() {
      parts = [];
      length = 0;
    },
    async close() {
      parts = [];
    },
  };
}

function lastAtOrBefore(parts: readonly { readonly at: number }[], offset: number): number {
  let [low, high] = [0, parts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (parts[middle]!.at <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function gather(content: Content): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content.slice();
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part.slice());
  return concat(parts);
}

const sourceOf = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.byteLength,
  read: async (offset, length, signal) => {
    signal?.throwIfAborted();
    if (offset < 0 || offset + length > bytes.byteLength)
      throw new InputError(
        name,
        `bytes ${offset} to ${offset + length} are asked for, but it has ${bytes.byteLength}.`,
      );
    return bytes.subarray(offset, offset + length);
  },
  close: async () => undefined,
});
