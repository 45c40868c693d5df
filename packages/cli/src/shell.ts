// Commands for people to copy.

/** A word as a shell takes it. */
export const quote = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** How this command was called: within a project it is not on the PATH and npx finds it. */
export const commandName = (env: NodeJS.ProcessEnv = process.env): string =>
  env.npm_command ? 'npx deepearth' : 'deepearth';

export interface RunWords {
  readonly set?: readonly string[];
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The command that goes on with a run that was stopped. */
export function resumeCommand(file: string, { set = [], output, json }: RunWords, env?: NodeJS.ProcessEnv): string {
  const words = [
    'run',
    file,
    ...set.flatMap((value) => ['--set', value]),
    ...(output ? ['--output', output] : []),
    ...(json ? ['--json'] : []),
    '--resume',
  ];
  return [commandName(env), ...words.map(quote)].join(' ');
}

/** The command that opens the results of a run in the explorer. */
export const exploreCommand = (folder: string, env?: NodeJS.ProcessEnv): string =>
  `${commandName(env)} explore ${quote(folder)}`;
