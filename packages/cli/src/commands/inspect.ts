// `deepearth inspect`: what a file of tensors or a raster holds, without executing anything in it.

import { InputError } from '@deepearth/core/errors';
import { openBytes } from '@deepearth/eo/raster-bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { inspectionText } from '@deepearth/formats/inspect-text';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../print.ts';
import { reportError } from '../report-error.ts';
import { inspectRaster } from './inspect-raster.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly digest?: boolean;
}

export async function inspectCommand(file: string, { json = false, digest = false }: InspectFlags): Promise<number> {
  const source = await openBytes(file);
  return cancellable(async ({ signal, status }) => {
    try {
      const raster = await inspectRaster(source, { json, digest, signal });
      if (raster !== undefined) {
        print(raster);
        return exitCodes.done;
      }
      const found = await inspectFile(source, { digest, signal });
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
