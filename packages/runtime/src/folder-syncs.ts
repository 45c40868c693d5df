// Brings what a run writes down beside its files to the disk: lines of the journal, and names in folders.

import { open, type FileHandle } from 'node:fs/promises';

/** What is synced of a run's folder. Those who ask while a sync is under way share the next one. */
export interface FolderSyncs {
  /** Appends lines to the journal; resolves when they are on the disk. */
  journal(lines: readonly string[]): Promise<void>;
  /** Resolves when the names in a folder are on the disk. */
  folder(path: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts with nothing open; the journal is made when it is first written to. */
export function folderSyncs(journalPath: string): FolderSyncs {
  let file: Promise<FileHandle> | undefined;
  let waiting: string[] = [];
  /** The write under way, which is told to those who asked for it, and the one that is next. */
  let writing: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  const folders = new Map<string, { running: Promise<void>; next?: Promise<void> }>();

  /** The journal, ready for a whole line: what a killed run left of its last one must not swallow ours. */
  async function openJournal(): Promise<FileHandle> {
    const journal = await open(journalPath, 'a+');
    const { size } = await journal.stat();
    if (size > 0) {
      const { buffer } = await journal.read(new Uint8Array(1), 0, 1, size - 1);
      if (buffer[0] !== 0x0a) await journal.write('\n');
    }
    return journal;
  }

  async function write(): Promise<void> {
    const journal = await (file ??= openJournal());
    const lines = waiting;
    waiting = [];
    await journal.appendFile(lines.map((line) => `${line}\n`).join(''));
    await journal.datasync();
  }

  async function sync(path: string): Promise<void> {
    let folder: FileHandle | undefined;
    try {
      folder = await open(path, 'r');
      await folder.sync();
    } catch {
      // Windows and some network file systems have no folders to sync; their names are safe, or not ours to make so.
    } finally {
      await folder?.close();
    }
  }

  return {
    journal(lines) {
      waiting.push(...lines);
      return (next ??= writing.then(() => {
        next = undefined;
        const now = write();
        writing = now.catch(() => undefined);
        return now;
      }));
    },
    async folder(path) {
      const entry = folders.get(path);
      if (!entry) {
        const running = sync(path).finally(() => folders.delete(path));
        folders.set(path, { running });
        return running;
      }
      return (entry.next ??= entry.running.then(() => sync(path)));
    },
    async close() {
      await writing;
      await (await file)?.close();
      file = undefined;
    },
  };
}
