// Where a run writes: a folder, a bucket, memory. The graph accesses files through this interface only.

import type { ByteSource } from './byte-source.ts';
import type { Content, Scratch } from './stage.ts';

/** What a store says of bytes it has taken. */
export interface Stored {
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes on their way into a store; nothing is seen under the path before `commit`. */
export interface StoreWriter {
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Gives the bytes their name. `record` is told of them when they are safe and not yet seen: what it writes is there
   * before the file is. `path` is another name than the writer was started with.
   */
  commit(record?: (stored: Stored) => Promise<void>, path?: string): Promise<Stored>;
  /** Lets the bytes go; safe after `commit`, which it does not undo. */
  discard(): Promise<void>;
}

/** The right to write into a store; held by one run at a time. */
export interface StoreLock {
  /** Aborted when another run has taken the store, which must stop this one. */
  readonly lost?: AbortSignal;
  release(): Promise<void>;
}

/** Paths are relative, with forward slashes; whoever calls has checked them (`assertSafePath`). */
export interface RunStore {
  /** For people and errors: an absolute path, "s3://bucket/prefix", "memory". */
  readonly name: string;
  /** Opens a file; `undefined` where there is none. Close it. */
  get(path: string): Promise<ByteSource | undefined>;
  /** Whether anything has this path, a file or not. */
  has(path: string): Promise<boolean>;
  /** Writes a file whole or not at all, over what is there. */
  put(path: string, content: Content): Promise<Stored>;
  /**
   * Gives a file that lies outside, and is on the disk, a name of this store too, without copying it; `record` is told
   * before it is seen. False where that cannot be: another file system, one without links.
   */
  link?(file: string, path: string, record: () => Promise<void>): Promise<boolean>;
  /** Gives a file of this store a second name, as `link` does. */
  linkOwn?(own: string, path: string, record: () => Promise<void>): Promise<boolean>;
  /** Starts a file that is written over time. */
  writer(path: string): Promise<StoreWriter>;
  /** The files below a prefix, in order of their paths; of the run's own state only where the prefix names it. */
  list(prefix?: string): AsyncIterable<{ readonly path: string; readonly bytes: number }>;
  /** Removes a file; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** The path in this store of a file that a source names, where it lies in it. */
  pathOf?(file: string): Promise<string | undefined>;
  /** Takes the store for one run. Throws an `InputError` (`E_OUTPUT_BUSY`) while another holds it. */
  lock(): Promise<StoreLock>;
  /** Room of one run for what does not fit in memory, below a name; gone when the run ends. */
  scratch(name: string): Promise<Scratch & { close(): Promise<void> }>;
  /** A folder for one run below a name, where the store has folders; gone when the run ends. */
  workFolder?(name: string): Promise<string>;
  /** Appends lines to the journal of the run, synced; `readJournal` gives the lines of this and former runs. */
  appendJournal(...lines: readonly string[]): Promise<void>;
  readJournal(): Promise<readonly string[]>;
  /** Ends a run: removes its scratch and half-written files, and the journal unless a later run may need it. */
  settle(keepJournal: boolean): Promise<void>;
}
