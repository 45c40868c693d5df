// Errors of commands whose output is the events of a run.

import { printJsonLine } from './print.ts';
import { errorLine } from './report-error.ts';

/** Prints an error as the last event of a run, where events are printed: for programs that read them. */
export function tellError(error: unknown, json: boolean | undefined): void {
  if (json || !process.stdout.isTTY) printJsonLine(errorLine(error));
}

/** Does the work of such a command; what ends it before its run begins is told as what ends a run is. Throws it. */
export async function tellingErrors(json: boolean | undefined, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    tellError(error, json);
    throw error;
  }
}
