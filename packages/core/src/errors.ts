// The three kinds of error a caller can act on: bad config, bad input, failed stage; and a cancelled run.

import { oneLine, shortened } from './printable.ts';

/** What an error has beside its message. */
export interface ErrorDetails {
  /** Stable, for programs: 'E_FRAME_UNREADABLE'. */
  readonly code: string;
  /** What to do about it, one sentence. */
  readonly remedy?: string | undefined;
  readonly cause?: unknown;
}

/** What marks errors of a class, the same in every copy of this module. */
const brandOf = (name: string): symbol => Symbol.for(`@deepearth/core ${name}`);

/**
 * Base of the errors that are reported without a stack; everything else is a bug. `instanceof` goes by a brand: a
 * plugin may have a copy of this package of its own, and its errors are errors of the same classes. Classes derived
 * elsewhere are told apart as usual.
 */
export class DeepEarthError extends Error {
  /** Name of the class for its brand. */
  static readonly brand: string = 'DeepEarthError';
  readonly code: string;
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!Object.hasOwn(this, 'brand')) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brandOf(this.brand) in value;
  }
  readonly remedy: string | undefined;
  constructor(message: string, { code, remedy, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** A place in a YAML file (lines and columns from 1), or the flag that brought the value. */
export interface Location {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** `pipeline.yaml:12:7`; the file alone where line and column are not known. */
export const formatLocation = ({ file, line, column }: Location): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

/** The text with a full stop where it ends without one, so that a remedy can follow. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** One mistake of a pipeline. */
export interface ConfigIssue {
  readonly location: Location;
  /** `stages.2.with.stride` or, where the stage has an id, `window.stride`. */
  readonly path: string;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** How many mistakes of a pipeline are told at once. */
export const mostMistakes = 100;

/** What stands after the mistakes that are told, where there are more. */
export const moreMistakes = 'There are more mistakes; they are told when these are mended.';

/**
 * The pipeline itself is wrong; every issue found is listed with its place, in the order of the file. Of very many the
 * first `mostMistakes` that were found are.
 */
export class ConfigError extends DeepEarthError {
  static override readonly brand: string = 'ConfigError';
  readonly issues: readonly ConfigIssue[];
  /** Whether there are more than are listed. */
  readonly more: boolean;
  constructor(found: readonly ConfigIssue[]) {
    const more = found.length > mostMistakes;
    const issues = found
      .slice(0, mostMistakes)
      .map(brief)
      .sort(
        (a, b) =>
          (a.location.line ?? 0) - (b.location.line ?? 0) || (a.location.column ?? 0) - (b.location.column ?? 0),
      );
    const lines = issues.map(
      ({ location, path, message, remedy }) =>
        `${formatLocation(location)} ${path ? `${path}: ` : ''}${message}${remedy ? ` ${remedy}` : ''}`,
    );
    super([...lines, ...(more ? [moreMistakes] : [])].join('\n'), { code: 'E_CONFIG' });
    this.issues = issues;
    this.more = more;
  }
}

/** A mistake whose parts are short enough to be read, whatever name or value they repeat. */
const brief = ({ location, path, message, remedy }: ConfigIssue): ConfigIssue => ({
  location,
  path: shortened(path),
  message: shortened(message, 2000),
  remedy: remedy === undefined ? undefined : shortened(remedy, 2000),
});

/** Data that comes in is not what it should be: a broken picture, an empty folder, a hostile archive. */
export class InputError extends DeepEarthError {
  static override readonly brand: string = 'InputError';
  /** The file, frame or item at fault. */
  readonly subject: string;
  constructor(subject: string, message: string, details: Partial<ErrorDetails> = {}) {
    super(`${oneLine(subject)}: ${message}${details.remedy ? ` ${details.remedy}` : ''}`, {
      code: 'E_INPUT',
      ...details,
    });
    this.subject = subject;
  }
}

/** A stage failed; the runtime adds which stage and item, once, and keeps the cause. */
export class StageError extends DeepEarthError {
  static override readonly brand: string = 'StageError';
  readonly stage: string;
  readonly item: string | undefined;
  /** The plugin that the stage came from. */
  readonly plugin: string | undefined;
  constructor(stage: string, item: string | undefined, cause: unknown, plugin?: string) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`${stage}${item ? ` (${item})` : ''}: ${message}`, {
      code: cause instanceof DeepEarthError ? cause.code : 'E_STAGE',
      remedy: cause instanceof DeepEarthError ? cause.remedy : undefined,
      cause,
    });
    this.stage = stage;
    this.item = item;
    this.plugin = plugin;
  }
}

/** An error and what it was caused by, outermost first. */
export function* causes(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>();
  for (let at = error; at !== undefined && at !== null && !seen.has(at); at = (at as { cause?: unknown }).cause) {
    seen.add(at);
    yield at;
  }
}

/**
 * The error that a stage ends with: one of another stage as it is, however it was wrapped on its way; what an abort was
 * for in place of the abort; else a `StageError` about this stage.
 */
export function stageErrorOf(stage: string, item: string | undefined, error: unknown, plugin?: string): StageError {
  for (const cause of causes(error)) if (cause instanceof StageError) return cause;
  const isAbort = (at: unknown): boolean => at instanceof Error && at.name === 'AbortError';
  const reason = [...causes(error)].find((cause) => !isAbort(cause));
  return new StageError(stage, item, reason ?? error, plugin);
}

/** The run was asked to stop. */
export class CancelledError extends DeepEarthError {
  static override readonly brand: string = 'CancelledError';
  constructor(cause?: unknown) {
    super('the run was cancelled', { code: 'E_CANCELLED', cause });
  }
}

for (const type of [DeepEarthError, ConfigError, InputError, StageError, CancelledError])
  Object.defineProperty(type.prototype, brandOf(type.brand), { value: true });

/**
 * The closest of `known` to a mistyped word, for "did you mean"; `undefined` when nothing is close: one slip (a letter
 * too many, too few, another, or two that changed places) for every three letters. Nothing is close to a word that is
 * longer than any name.
 */
export function closest(word: string, known: Iterable<string>): string | undefined {
  if (word.length < 3 || word.length > longestName) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), least);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/**
 * The closest of some files to a mistyped name; their endings, which most of a folder have in common, make none close.
 */
export function closestFile(name: string, files: readonly string[]): string | undefined {
  const stem = (file: string): string => file.replace(/(?<=.)\.[A-Za-z0-9]{1,5}$/, '');
  const near = closest(stem(name), files.map(stem));
  return files.find((file) => stem(file) === near);
}

const longestName = 200;

function editDistance(a: string, b: string, limit: number): number {
  let [beforeFormer, former]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        former![j]! + 1,
        row[j - 1]! + 1,
        former![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
        swapped ? beforeFormer![j - 2]! + 1 : Infinity,
      );
    }
    if (Math.min(...row) >= limit && Math.min(...former!) >= limit) return limit;
    [beforeFormer, former] = [former, row];
  }
  return former![b.length]!;
}
