// Keeps lines for the run that resumes this one, in the journal, so that they outlive a killed run.

import type { Notes } from './stage.ts';
import type { RunStore } from './store.ts';

/** The notes of all stages of a run. */
export interface RunNotes {
  of(stage: string): Notes;
  /** Whether a later run needs the journal for them. */
  kept(): boolean;
}

/** A line of the journal: `clear` takes back all before it. */
interface Entry {
  readonly notes: { readonly stage: string; readonly lines?: readonly string[]; readonly clear?: true };
}

/** Notes in the journal of a store. Without `resume` those of earlier runs go as soon as there are new ones. */
export function runNotes(store: Pick<RunStore, 'appendJournal' | 'readJournal'>, resume: boolean): RunNotes {
  let kept = false;
  return {
    kept: () => kept,
    of(stage) {
      let fresh = !resume;
      const append = (notes: Omit<Entry['notes'], 'stage'>): Promise<void> => {
        kept = true;
        const clear = fresh || notes.clear;
        fresh = false;
        return store.appendJournal(JSON.stringify({ notes: { stage, ...notes, ...(clear && { clear }) } }));
      };
      return {
        async former() {
          if (!resume) return [];
          const lines = (await store.readJournal()).reduce<string[]>((all, text) => {
            const entry = entryOf(text, stage);
            if (entry?.clear) all.length = 0;
            for (const line of entry?.lines ?? []) all.push(line);
            return all;
          }, []);
          if (lines.length > 0) kept = true;
          return lines;
        },
        add: (...lines) => append({ lines }),
        clear: () => append({ clear: true }),
      };
    },
  };
}

/** What a line of the journal says of the notes of a stage; a torn line says nothing. */
function entryOf(text: string, stage: string): Partial<Entry['notes']> | undefined {
  if (!text.startsWith('{"notes"')) return undefined;
  try {
    const { notes } = JSON.parse(text) as Entry;
    return notes.stage === stage ? notes : undefined;
  } catch {
    return undefined;
  }
}
