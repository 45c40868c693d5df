// What `deepearth inspect` is asked about and does not look into, told for what it is.

import { statSync } from 'node:fs';
import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from '@deepearth/formats/bytes';
import { commonKind } from '@deepearth/vision/picture-kind';

/** Throws an `InputError` for a folder that is no Zarr store. */
export function refusePlainFolder(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new InputError(path, 'is a folder, not a file.', {
    remedy: 'Name a file in it, or look into the output of a run with `deepearth explore`.',
  });
}

/** Throws an `InputError` for a picture that is none of the Earth and does not move. */
export async function refuseStill(path: string, source: ByteSource, signal?: AbortSignal): Promise<void> {
  const kind = commonKind(await source.read(0, Math.min(64, source.size), signal));
  if (kind === undefined) return;
  throw new InputError(path, `is a ${kind} picture, which is not looked into here.`, {
    remedy: '`deepearth plan` says what a run reads of a folder of pictures.',
  });
}

/** The bytes that a Parquet file begins with (https://parquet.apache.org/docs/file-format/). */
const parquetMagic = 'PAR1';

/** Throws an `InputError` for a Parquet table. */
export async function refuseParquet(path: string, source: ByteSource, signal?: AbortSignal): Promise<void> {
  const head = await source.read(0, Math.min(parquetMagic.length, source.size), signal);
  if (Buffer.from(head).toString('latin1') !== parquetMagic) return;
  throw new InputError(path, 'is a Parquet table, which is not looked into here.', {
    remedy: 'Open it with geopandas.read_parquet, pandas.read_parquet, QGIS or DuckDB.',
  });
}
