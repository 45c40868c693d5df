// `deepearth inspect`: what a file of tensors or of Earth observation holds, without executing anything in it.

import type { ByteSource } from '@deepearth/core/byte-source';
import { InputError } from '@deepearth/core/errors';
import { inspectEarth, isZarr } from '@deepearth/eo/inspect';
import { openBytes } from '@deepearth/eo/raster-bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { inspectionText } from '@deepearth/formats/inspect-text';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../print.ts';
import { reportError } from '../report-error.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly digest?: boolean;
  readonly variable?: string;
}

export async function inspectCommand(
  file: string,
  { json = false, digest = false, variable }: InspectFlags,
): Promise<number> {
  return cancellable(async ({ signal, status }) => {
    let source: ByteSource | undefined;
    try {
      if (!(await isZarr(file))) source = await openBytes(file);
      const earth = await inspectEarth(file, source, { variable, digest, signal });
      if (earth) {
        print(json ? inspectionJson({ file, ...earth.json }) : earth.text);
        return earth.json['refused'] === undefined ? exitCodes.done : exitCodes.failed;
      }
      if (variable !== undefined)
        throw new InputError(file, 'has no variables: it is neither a Zarr store nor a NetCDF file.', {
          code: 'E_VARIABLE',
          remedy: 'Leave `--variable` out.',
        });
      const found = await inspectFile(source!, { digest, signal });
      if (json) {
        const { size: bytes, holds, ...rest } = found;
        print(inspectionJson({ ...rest, bytes, holds }));
      } else print(inspectionText(found));
      return exitCodes.done;
    } catch (error) {
      if (status() !== undefined || !(error instanceof InputError) || isMissing(error)) throw error;
      if (json) print(JSON.stringify({ file, refused: error.message, code: error.code }));
      await reportError(error);
      return exitCodes.failed;
    } finally {
      await source?.close();
    }
  });
}

/** There is nothing to look at, which is another end than to have refused it. */
const isMissing = ({ code, message }: InputError): boolean =>
  code === 'E_FILE_MISSING' || /is a folder, not a file/.test(message);
