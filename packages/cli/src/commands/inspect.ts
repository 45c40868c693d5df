// `deepearth inspect`: what a file of tensors holds, without executing anything in it.

import { InputError } from '@deepearth/core/errors';
import { openFile } from '@deepearth/formats/file-source-node';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { inspectionText } from '@deepearth/formats/inspect-text';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../print.ts';
import { reportError } from '../report-error.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly digest?: boolean;
  readonly stats?: boolean;
}

export async function inspectCommand(file: string, { json = false, digest = false, stats }: InspectFlags): Promise<number> {
  const source = await openFile(file);
  return cancellable(async ({ signal, status }) => {
    try {
      const found = await inspectFile(source, { digest, statistics: stats ?? 'small', signal });
      if (json) {
        const { size: bytes, holds, ...rest } = found;
        print(inspectionJson({ ...rest, bytes, holds }));
      } else print(inspectionText(found));
      return exitCodes.done;
    } catch (error) {
      if (status() !== undefined || !(error instanceof InputError)) throw error;
      if (json) print(JSON.stringify({ file, refused: error.message, code: error.code }));
      await reportError(error);
      return exitCodes.failed;
    } finally {
      await source.close();
    }
  });
}
