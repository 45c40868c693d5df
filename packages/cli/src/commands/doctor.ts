// `deepearth doctor`: whether this machine has what is needed, and what to do where not.

import { doctorChecks, type Check } from '../doctor-checks.ts';
import { exitCodes } from '../exit-codes.ts';
import { print, printJson } from '../print.ts';
import { styleOf } from '../style.ts';

export async function doctorCommand({ json = false }: { readonly json?: boolean }): Promise<number> {
  const style = styleOf(process.stdout);
  const marks = { ok: style.green('ok  '), warn: style.yellow('warn'), fail: style.red('fail') };
  const checks: Check[] = [];
  for await (const check of doctorChecks()) {
    checks.push(check);
    if (json) continue;
    print(`${marks[check.status]}  ${check.name.padEnd(14)}  ${check.found}`);
    if (check.remedy) print(`${' '.repeat(22)}${check.remedy}`);
  }
  if (json) printJson(checks);
  return checks.some(({ status }) => status === 'fail') ? exitCodes.failed : exitCodes.done;
}
