// Tells which files of a folder nobody writes to any more, from how they look at one moment after another.

/** How a file looks: another number where it was written to. */
export interface FileLook {
  readonly bytes: number;
  /** Milliseconds since 1970, by the clock of the disk. */
  readonly modified: number;
}

/** A file that is waited for, and what it was like when it was last looked at. */
export interface WaitingFile extends FileLook {
  /** Path in the folder, with forward slashes. */
  readonly file: string;
  /** Seconds that it has been as it is, as far as is known. */
  readonly quietSeconds: number;
  /** Whether it was tried and could not be read as it is. */
  readonly tried: boolean;
}

/** Files that are waited for; times are seconds of a clock that only goes forward. */
export interface StableFiles {
  /** Sees a file; returns whether it is new, or looks otherwise than before. */
  see(file: string, look: FileLook, now: number): boolean;
  /** Says that a file could not be read as it is. */
  tried(file: string): void;
  /** Forgets a file: it was sent, or is gone. */
  forget(file: string): void;
  /** All that are waited for, in no order. */
  waiting(now: number): WaitingFile[];
  has(file: string): boolean;
  readonly size: number;
}

/**
 * Starts with no file. It goes by what changes alone and compares no clocks: that of a network disk may be hours off.
 */
export function stableFiles(): StableFiles {
  const files = new Map<string, { look: FileLook; since: number; tried: boolean }>();
  return {
    see(file, look, now) {
      const known = files.get(file);
      if (known && same(known.look, look)) return false;
      files.set(file, { look, since: now, tried: false });
      return true;
    },
    tried(file) {
      const known = files.get(file);
      if (known) known.tried = true;
    },
    forget: (file) => void files.delete(file),
    waiting: (now) =>
      [...files].map(([file, { look, since, tried }]) => ({ file, ...look, quietSeconds: now - since, tried })),
    has: (file) => files.has(file),
    get size() {
      return files.size;
    },
  };
}

/** Whether a file looks the same. */
export const same = (a: FileLook, b: FileLook): boolean => a.bytes === b.bytes && a.modified === b.modified;
