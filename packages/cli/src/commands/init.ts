// `deepearth init`: writes a pipeline to start from, and lists what there is to choose from.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { closest, DeepEarthError } from '@deepearth/core/errors';
import { makeFolder } from '@deepearth/core/regular-file';
import { cannotWrite } from '../cannot-write.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatTable } from '../format.ts';
import { print } from '../print.ts';
import { commandName, quote } from '../shell.ts';
import { starterPipeline } from '../starter.ts';
import { templates } from '../templates.generated.ts';

export interface InitFlags {
  readonly force?: boolean;
  readonly template?: string;
  readonly list?: boolean;
}

const all: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  first: { 'pipeline.yaml': starterPipeline },
  ...templates,
};

/** The first line of a pipeline says what it is for; a command on the same line does not belong to that. */
const summaryOf = (files: Readonly<Record<string, string>>): string =>
  (/^# (.*)$/m.exec(files['pipeline.yaml'] ?? '')?.[1] ?? '').replace(/:?( {2}.*)?$/, '');

export async function initCommand(
  folder: string,
  { force = false, template = 'first', list = false }: InitFlags,
): Promise<number> {
  if (list) {
    const rows = Object.entries(all).map(([name, files]) => [name, summaryOf(files)]);
    print(formatTable([{ title: 'template' }, { title: 'what it makes' }], rows));
    return exitCodes.done;
  }
  const files = Object.hasOwn(all, template) ? all[template]! : undefined;
  if (!files) {
    const near = closest(template, Object.keys(all));
    throw new DeepEarthError(`there is no template ${JSON.stringify(template)}.`, {
      code: 'E_USAGE',
      remedy: near ? `Did you mean ${near}?` : '`deepearth init --list` prints them.',
    });
  }
  await makeFolder(folder).catch((cause: unknown) => {
    throw cannotWrite(folder, cause);
  });
  const path = join(folder, 'pipeline.yaml');
  for (const [name, text] of Object.entries(files)) await place(join(folder, name), text, force);
  print(
    `Wrote ${Object.keys(files)
      .map((name) => join(folder, name))
      .join(' and ')}. ${
      template === 'first'
        ? 'It makes pictures of synthetic weather; its comments say how to use frames of your own.'
        : `${summaryOf(files).replace(/\.$/, '')}.`
    }\n  ${commandName()} run ${quote(path)}`,
  );
  return exitCodes.done;
}

async function place(path: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, cause);
    throw new DeepEarthError(`${path} is there already.`, {
      code: 'E_FILE_EXISTS',
      remedy: 'Name another folder, or replace it with --force.',
      cause,
    });
  }
}
