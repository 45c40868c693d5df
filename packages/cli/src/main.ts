// The process of the deepearth command: reads the arguments, runs what they name, sets the exit status.

import type { CommanderError } from 'commander';
import { exitIsMeant, watchExit } from './early-exit.ts';
import { guardStreams } from './output-streams.ts';
import { kebabOptions, makeProgram } from './program.ts';

/** What a finished command may still hold (a timer of a plugin) keeps the process for this long. */
const lingerMilliseconds = 1000;

const lostLines = guardStreams();
watchExit();
const report = async (error: unknown): Promise<number> => (await import('./report-error.ts')).reportError(error);
process.on('uncaughtException', (error) => void stray(error));

let said = '';
const program = makeProgram((text) => void (said += text));
try {
  await program.parseAsync(kebabOptions(process.argv));
} catch (error) {
  // What is said of wrong arguments repeats them.
  if (said) (await import('./print.ts')).remark(said.trimEnd());
  if (isParserError(error))
    process.exitCode = error.exitCode === 0 ? 0 : (await import('./exit-codes.ts')).exitCodes.usage;
  else process.exitCode = await report(error);
}
exitIsMeant();
// The lines of a run are a side view; of any other command they are the result.
process.on('exit', () => {
  if (lostLines() && program.args[0] !== 'run') process.exitCode ||= 1;
});
setTimeout(leave, lingerMilliseconds).unref();

/** Ends the process when its output is written. */
function leave(): void {
  if (process.stdout.writableLength + process.stderr.writableLength > 0)
    return void setTimeout(leave, lingerMilliseconds).unref();
  process.exit();
}

async function stray(error: unknown): Promise<void> {
  if ((await import('./cancel.ts')).failUnderWay(error)) return;
  await report(error).catch(() => undefined);
  exitIsMeant();
  process.exit(1);
}

function isParserError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}
