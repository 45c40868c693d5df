// Says why the process ends before its command does: somebody called `process.exit`, or nothing is left to wait for.

import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodes } from './exit-codes.ts';

let meant = false;

/** From now on the process may end. */
export function exitIsMeant(): void {
  meant = true;
}

/** Watches the end of the process; an end that is not meant has a message and is a failure. */
export function watchExit(): void {
  process.on('exit', (code) => {
    if (meant) return;
    process.exitCode = exitCodes.failed;
    const stack = traced();
    const called = stack.findIndex((line) => /\bprocess\.(?:exit|reallyExit)\b/.test(line));
    const message =
      called >= 0
        ? `${placeOf(stack.slice(called + 1).join('\n')) ?? 'a module'} called process.exit(${code}) while the command was under way.\n  Take that call out: a plugin throws an error instead.`
        : 'the command waits for something that never comes, and nothing is left to do that could bring it.\n  Look for a promise that is never settled in a plugin; else please report it with the command.';
    try {
      writeSync(2, `error: ${message}\n`);
    } catch {
      // There is nobody to tell.
    }
  });
}

function traced(): string[] {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack = '' } = new Error('for its stack');
  Error.stackTraceLimit = usual;
  return stack.split('\n');
}

/** The first place of a stack that lies in a file, as people read it: `plugins/mine.mjs:3:9`. */
export function placeOf(stack: string): string | undefined {
  const [, url, line] = /(file:\/\/[^\s)]+?):(\d+:\d+)\)?$/m.exec(stack) ?? [];
  if (url === undefined) return undefined;
  const path = fileURLToPath(url.replace(/\?.*$/, ''));
  const near = relative(process.cwd(), path);
  return `${near.startsWith('..') ? path : near}:${line}`;
}
