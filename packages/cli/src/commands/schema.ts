// `deepearth schema`: the JSON Schema of pipeline files, for editors.

import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipelineSchema } from '@deepearth/runtime/schema';
import { refuseSpecial } from '@deepearth/core/regular-file';
import { exitCodes } from '../exit-codes.ts';
import { cannotWrite } from '../cannot-write.ts';
import { print, remark } from '../print.ts';
import { stagesWith } from './stages.ts';

export interface SchemaFlags {
  readonly plugin?: readonly string[];
  readonly output?: string;
}

export async function schemaCommand({ plugin, output }: SchemaFlags): Promise<number> {
  const text = JSON.stringify(await pipelineSchema(await stagesWith(plugin)), null, 2);
  if (output === undefined) {
    print(text);
    if (process.stderr.isTTY) remark('To use it in an editor: deepearth schema --output pipeline.schema.json');
    return exitCodes.done;
  }
  await refuseSpecial(output);
  await writeFile(output, `${text}\n`).catch((cause: unknown) => {
    throw cannotWrite(output, cause);
  });
  print(
    `Wrote ${output}. For completion and checks, put this as the first line into a pipeline beside it:\n  # yaml-language-server: $schema=./${basename(output)}`,
  );
  return exitCodes.done;
}
