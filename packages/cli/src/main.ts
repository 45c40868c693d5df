// The process of the deepearth command: reads the arguments, runs what they name, sets the exit status.

import type { CommanderError } from 'commander';
import { kebabOptions, makeProgram } from './program.ts';

// A reader that went away (`deepearth stages | head -1`) is no failure. Results of a run are files, so a run goes on
// without its reader.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

const report = async (error: unknown): Promise<number> => (await import('./report-error.ts')).reportError(error);
process.once('uncaughtException', (error) => void report(error).finally(() => process.exit(1)));

try {
  await makeProgram().parseAsync(kebabOptions(process.argv));
} catch (error) {
  if (isParserError(error))
    process.exitCode = error.exitCode === 0 ? 0 : (await import('./exit-codes.ts')).exitCodes.usage;
  else process.exitCode = await report(error);
}

function isParserError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}
