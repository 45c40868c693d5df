// Says what went wrong, where, and what to do; returns the exit status that fits.

import {
  CancelledError,
  causes,
  ConfigError,
  DeepEarthError,
  InputError,
  moreMistakes,
  StageError,
  type ConfigIssue,
} from '@deepearth/core/errors';
import { fileError } from '@deepearth/core/file-trouble';
import { readTextFile } from '@deepearth/core/regular-file';
import { withoutUrlSecrets } from '@deepearth/core/secrets';
import { exitCodes } from './exit-codes.ts';
import { remark } from './print.ts';
import { plainStyle, styleOf, type Style } from './style.ts';

/** An `InputError` with one of these codes is about the place results go to, not about data. */
const outputCodes: ReadonlySet<string> = new Set([
  'E_DISK_FULL',
  'E_OUTPUT',
  'E_OUTPUT_NOT_A_FOLDER',
  'E_OUTPUT_BUSY',
  'E_SYSTEM_LIMIT',
  'E_CACHE',
  'E_PATH',
  'E_NAME_TAKEN',
  'E_NOT_OURS',
  'E_LINK',
  'E_LOCK_LOST',
  'E_FILE_CHANGED',
  'E_NO_FILE',
  'E_NOT_HELD',
  'E_S3',
  'E_S3_BROKEN',
]);

/** Names and options on the command line that cannot be. */
const usageCodes: ReadonlySet<string> = new Set([
  'E_USAGE',
  'E_OTHER_PIPELINE',
  'E_SHARDS_DIFFER',
  'E_NO_SHARDS',
  'E_S3_ADDRESS',
  'E_S3_CREDENTIALS',
  'E_PIPELINE_FILE',
  'E_FILE_EXISTS',
  'E_OPTIONS',
  'E_STAGE_UNKNOWN',
  'E_PLUGIN_MISSING',
  'E_PLUGIN_LOAD',
  'E_PLUGIN_EMPTY',
  'E_PLUGIN_NAME',
]);

/** The exit status for an error. */
export function exitCodeOf(error: unknown): number {
  error = fileError(error);
  for (const cause of causes(error)) {
    if (cause instanceof ConfigError) return exitCodes.usage;
    if (cause instanceof CancelledError) return exitCodes.interrupted;
    // The expression is wrong, not the names that it does not fit.
    if (cause instanceof DeepEarthError && cause.code === 'E_PATTERN') return exitCodes.usage;
    if (cause instanceof InputError) return outputCodes.has(cause.code) ? exitCodes.failed : exitCodes.input;
    if (cause instanceof DeepEarthError && usageCodes.has(cause.code)) return exitCodes.usage;
  }
  return exitCodes.failed;
}

/** The last line of a run that failed, for programs that read its JSON lines. */
export function errorLine(error: unknown): {
  readonly type: 'error';
  readonly code: string | null;
  readonly message: string;
} {
  const told = fileError(error);
  const known = [...causes(told)].find((cause) => cause instanceof DeepEarthError);
  return { type: 'error', code: known?.code ?? null, message: told instanceof Error ? told.message : String(told) };
}

/**
 * The text for an error: message and remedy, the line of the file where one is known; a stack only for faults of the
 * program itself.
 */
export async function errorText(
  error: unknown,
  { debug = false, style = plainStyle }: { debug?: boolean; style?: Style } = {},
): Promise<string> {
  error = fileError(error);
  const label = style.bold(style.red('error:'));
  const mistakes = [...causes(error)].find((cause) => cause instanceof ConfigError);
  if (mistakes) error = mistakes;
  if (error instanceof ConfigError) {
    const lines = fileLines();
    const blocks: string[] = [];
    for (const issue of error.issues) blocks.push(`${label} ${await issueText(issue, lines, style)}`);
    return [...blocks, ...(error.more ? [moreMistakes] : []), ...(debug ? [error.stack ?? ''] : [])].join('\n');
  }
  if (error instanceof DeepEarthError && !isBug(error)) {
    const remedy = error.remedy && !error.message.includes(error.remedy) ? `\n  ${error.remedy}` : '';
    return `${label} ${error.message}${remedy}${pluginNote(error)}${debug ? `\n${stacks(error)}` : ''}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  // ENOENT, EACCES, ENOSPC … of a file that the command line named: the operating system's words say it all.
  if (error instanceof Error && 'syscall' in error && !debug) return `${label} ${message}.`;
  const note = pluginNote(error);
  if (note) return `${label} ${message}\n${stacks(error)}${note}`;
  return `${label} ${message}\n${stacks(error)}\nThis looks like a fault of DeepEarth Streams itself. Please report it with the lines above and the pipeline you ran.`;
}

/** Names the plugin that a failed stage comes from, unless the stage says itself what is wrong. */
function pluginNote(error: unknown): string {
  const stage = [...causes(error)].find((cause) => cause instanceof StageError);
  if (stage?.plugin === undefined || [...causes(stage.cause)].some((cause) => cause instanceof DeepEarthError))
    return '';
  return `\n  The stage ${stage.stage} comes from the plugin ${stage.plugin}: the fault is to be looked for there.`;
}

/**
 * True when a stage failed for what is neither an error that is reported to users nor one of the operating system, nor
 * want of memory. What such an error keeps as its own cause (a `TypeError` of the platform's inflater) has been
 * explained.
 */
function isBug(error: DeepEarthError): boolean {
  // What a plugin throws while it is loaded is the plugin's.
  if ([...causes(error)].some((cause) => cause instanceof DeepEarthError && cause.code === 'E_PLUGIN_LOAD'))
    return false;
  // Thrown at a place that the message names.
  if (error.code === 'E_STRAY') return false;
  const all = [...causes(error)];
  if (all.some((cause) => cause instanceof DeepEarthError && !(cause instanceof StageError))) return false;
  const last = all.at(-1);
  if (last instanceof RangeError) return !('code' in last) && !/allocation failed/i.test(last.message);
  return last instanceof TypeError || last instanceof ReferenceError;
}

const stacks = (error: unknown): string =>
  [...causes(error)].map((cause) => (cause instanceof Error ? cause.stack : String(cause))).join('\ncaused by: ');

type FileLines = (file: string) => Promise<readonly string[]>;

/** The lines of files, each of which is read once. */
function fileLines(): FileLines {
  const files = new Map<string, Promise<readonly string[]>>();
  return (file) => {
    const known =
      files.get(file) ??
      readTextFile(file).then(
        (text) => text.split(/\r?\n/),
        () => [],
      );
    files.set(file, known);
    return known;
  };
}

async function issueText(
  { location, path, message, remedy }: ConfigIssue,
  lines: FileLines,
  style: Style,
): Promise<string> {
  const { file, line, column } = location;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const head = `${style.bold(place)} ${path ? `${path}: ` : ''}${message}${remedy ? ` ${remedy}` : ''}`;
  const text = line === undefined ? undefined : (await lines(file))[line - 1];
  return text === undefined ? head : `${head}\n${excerpt(text, line!, column ?? 1, style)}`;
}

/** The line of the file, a caret under the column. */
export function excerpt(text: string, line: number, column: number, style: Style = plainStyle): string {
  const start = Math.max(0, column - 1 - 60);
  const shown = text.slice(start, start + 110).replace(/\t/g, ' ');
  const gutter = String(line).padStart(5);
  return `${style.dim(`${gutter} |`)} ${shown}\n${style.dim(`${' '.repeat(gutter.length)} |`)} ${' '.repeat(column - 1 - start)}${style.red('^')}`;
}

/** Prints an error to stderr and returns the exit status. */
export async function reportError(error: unknown): Promise<number> {
  const text = await errorText(error, { debug: process.env.DEEPEARTH_DEBUG === '1', style: styleOf(process.stderr) });
  remark(withoutUrlSecrets(text));
  return exitCodeOf(error);
}
