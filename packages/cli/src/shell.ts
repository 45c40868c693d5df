// Commands for people to copy.

/** A word as a shell takes it. */
export const quote = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** How this command was called: within a project it is not on the PATH and npx finds it. */
export const commandName = (env: NodeJS.ProcessEnv = process.env): string =>
  env.npm_command ? 'npx deepearth' : 'deepearth';

export interface RunWords {
  readonly set?: readonly string[] | undefined;
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
}

/** A command that takes a pipeline; `last` are the words of its own. */
export function pipelineCommand(
  command: 'run' | 'merge',
  file: string,
  { set = [], output, json }: RunWords,
  last: readonly string[] = [],
  env?: NodeJS.ProcessEnv,
): string {
  const words = [
    command,
    file,
    ...set.flatMap((value) => ['--set', value]),
    ...(output ? ['--output', output] : []),
    ...(json ? ['--json'] : []),
    ...last,
  ];
  return [commandName(env), ...words.map(quote)].join(' ');
}

/** The command that goes on with a run that was stopped. */
export const resumeCommand = (file: string, words: RunWords, env?: NodeJS.ProcessEnv): string =>
  pipelineCommand('run', file, words, ['--resume'], env);

/** The command that opens the results of a run in the explorer. */
export const exploreCommand = (folder: string, env?: NodeJS.ProcessEnv): string =>
  `${commandName(env)} explore ${quote(folder)}`;
