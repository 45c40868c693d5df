// What an operating system refuses about files, in words.

import { InputError } from './errors.ts';

/** What was refused, as said after the path, and what to do. */
export interface FileTrouble {
  readonly code: string;
  readonly finding: string;
  readonly remedy: string;
}

const right = 'Give yourself the right to it, or name another.';

/** By POSIX code; Node gives those of Windows the same names. */
const troubles: Readonly<Record<string, FileTrouble>> = {
  ENOENT: { code: 'E_FILE_MISSING', finding: 'is not there.', remedy: 'Look at the path.' },
  EACCES: { code: 'E_INPUT', finding: 'may not be opened by you.', remedy: right },
  EPERM: { code: 'E_INPUT', finding: 'may not be opened by you.', remedy: right },
  EISDIR: { code: 'E_INPUT', finding: 'is a folder, not a file.', remedy: 'Name a file in it.' },
  ENOTDIR: { code: 'E_INPUT', finding: 'lies under a file, where a folder is needed.', remedy: 'Look at the path.' },
  ELOOP: {
    code: 'E_INPUT',
    finding: 'is a link that leads back to itself.',
    remedy: 'Remove the link, or name the file itself.',
  },
  ENAMETOOLONG: {
    code: 'E_INPUT',
    finding: 'is a longer name than the file system takes (most take 255 bytes, and 4096 for a path).',
    remedy: 'Give it a shorter one.',
  },
  EIO: {
    code: 'E_INPUT',
    finding: 'cannot be read or written: the disk fails.',
    remedy: 'Look at the disk or its network.',
  },
  ESTALE: {
    code: 'E_INPUT',
    finding: 'is gone from its network disk.',
    remedy: 'Look at the network disk, and run again.',
  },
  EMFILE: {
    code: 'E_SYSTEM_LIMIT',
    finding: 'cannot be opened: this process has as many files open as it may.',
    remedy: 'Raise the limit (ulimit -n 4096), and run again.',
  },
  ENFILE: {
    code: 'E_SYSTEM_LIMIT',
    finding: 'cannot be opened: the machine has as many files open as it may.',
    remedy: 'Close other programs, and run again.',
  },
  EBUSY: { code: 'E_OUTPUT', finding: 'is in use by another program.', remedy: 'Close what uses it, and run again.' },
  EXDEV: {
    code: 'E_OUTPUT',
    finding: 'lies on another disk than the folder above it.',
    remedy: 'Let the output folder be on one disk, without others mounted in it.',
  },
  EEXIST: { code: 'E_OUTPUT', finding: 'is there already.', remedy: 'Move it away, or name another.' },
  ENOTEMPTY: { code: 'E_OUTPUT', finding: 'is a folder that is not empty.', remedy: 'Move it away, or name another.' },
  EROFS: { code: 'E_OUTPUT', finding: 'is on a disk that can only be read.', remedy: 'Name another place.' },
  EFBIG: {
    code: 'E_OUTPUT',
    finding: 'is larger than the file system or your limit takes.',
    remedy: 'Name a place on another disk.',
  },
  ENOSPC: {
    code: 'E_DISK_FULL',
    finding: 'cannot be written: no space is left on its disk.',
    remedy: 'Free some, or name a place on another disk.',
  },
  EDQUOT: {
    code: 'E_DISK_FULL',
    finding: 'cannot be written: your share of its disk is used up.',
    remedy: 'Free some, or name a place on another disk.',
  },
};

/**
 * What an error of the operating system means; `undefined` for another error, and for one that says nothing of files.
 */
export function fileTrouble(cause: unknown): FileTrouble | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code, syscall } = cause as { code?: unknown; syscall?: unknown };
  // Sockets and processes know some of the same codes.
  if (
    typeof code !== 'string' ||
    typeof syscall !== 'string' ||
    /^(?:connect|spawn|listen|bind|getaddrinfo)/.test(syscall)
  )
    return undefined;
  return Object.hasOwn(troubles, code) ? troubles[code] : undefined;
}

/**
 * The error for what the operating system refused about a file, in words and with a remedy; anything else as it is.
 * `path` is the one that the error names, unless told.
 */
export function fileError(cause: unknown, path = (cause as { path?: unknown } | undefined)?.path): unknown {
  const trouble = fileTrouble(cause);
  if (!trouble) return cause;
  const { code, finding, remedy } = trouble;
  return new InputError(typeof path === 'string' ? path : 'a file', finding, { code, remedy, cause });
}
