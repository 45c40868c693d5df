// What a command line of `deepearth` says, for tests of files that have one.

import { makeProgram } from '@deepearth/cli/program';

/** The options of a command line without its first word. Throws for a command or an option that there is not. */
export function commandOptions(words: readonly string[]): Record<string, unknown> {
  let command = makeProgram(() => undefined);
  let at = 0;
  while (command.commands.length > 0) {
    const found = command.commands.find((each) => each.name() === words[at]);
    if (!found) throw new Error(`deepearth ${words.join(' ')}: there is no such command.`);
    command = found;
    at++;
  }
  command.exitOverride().action(() => undefined);
  command.parse(words.slice(at), { from: 'user' });
  return command.opts();
}
