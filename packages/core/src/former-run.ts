// What an earlier run into the same folder left, proven by digest, so that it need not be made again.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestName, sha256OfFile, stateFolder, type JournalEntry } from './output-folder.ts';
import type { FormerRun } from './stage.ts';

export interface FormerFiles extends FormerRun {
  /** Everything the earlier run had written, by path. */
  readonly entries: ReadonlyMap<string, JournalEntry>;
}

const isEntry = (value: unknown): value is JournalEntry => {
  const entry = value as Partial<JournalEntry> | null;
  return typeof entry?.path === 'string' && typeof entry.sha256 === 'string' && typeof entry.bytes === 'number';
};

/** Reads the manifest and the journal of an earlier run; a torn last line of the journal (a killed run) is left out. */
export async function readFormerRun(folder: string): Promise<FormerFiles> {
  const entries = new Map<string, JournalEntry>();
  const manifest = await readFile(join(folder, manifestName), 'utf8')
    .then(parse)
    .catch(() => undefined);
  const outputs = (manifest as { outputs?: unknown } | undefined)?.outputs;
  for (const entry of Array.isArray(outputs) ? outputs : []) if (isEntry(entry)) entries.set(entry.path, entry);
  const journal = await readFile(join(folder, stateFolder, 'journal.jsonl'), 'utf8').catch(() => '');
  for (const line of journal.split('\n')) {
    const entry = parse(line);
    if (isEntry(entry)) entries.set(entry.path, entry);
  }
  const holding = new Map(
    [...entries.values()].flatMap((entry) => (entry.holds ? [[entry.holds, entry] as const] : [])),
  );
  return {
    entries,
    async find(key) {
      const entry = holding.get(key);
      if (!entry) return undefined;
      const path = join(folder, entry.path);
      const bytes = await stat(path)
        .then((found) => found.size)
        .catch(() => undefined);
      return bytes === entry.bytes && (await sha256OfFile(path)) === entry.sha256 ? path : undefined;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For a run that starts afresh. */
export const noFormerRun: FormerFiles = { entries: new Map(), find: async () => undefined };
