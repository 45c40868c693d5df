// `deepearth init`: writes a pipeline to start from.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../print.ts';
import { commandName, quote } from '../shell.ts';
import { starterPipeline } from '../starter.ts';

export async function initCommand(folder: string, { force = false }: { readonly force?: boolean }): Promise<number> {
  const path = join(folder, 'pipeline.yaml');
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(path, starterPipeline, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new DeepEarthError(`${path} is there already.`, {
      code: 'E_FILE_EXISTS',
      remedy: 'Name another folder, or replace it with --force.',
      cause,
    });
  }
  print(
    `Wrote ${path}. It makes pictures of synthetic weather; its comments say how to use frames of your own.\n  ${commandName()} run ${quote(path)}`,
  );
  return exitCodes.done;
}
