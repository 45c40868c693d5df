// Opens a saved model for a stage: read, recorded as an input of the run, and made a reducer again.

import { InputError } from '@deepearth/core/errors';
import { sha256 } from '@deepearth/core/sha256';
import type { StageContext } from '@deepearth/core/stage';
import { openFile } from '@deepearth/formats/file-source-node';
import { unsealedRemark } from './unsealed-remark.ts';
import { decodeModel } from './model-file.ts';
import type { FittedReducer, SavedModel } from './model.ts';
import { restoreReducer } from '../run/reductions.ts';

export interface OpenedModel {
  readonly saved: SavedModel;
  readonly model: FittedReducer;
  /** SHA-256 of the file. */
  readonly digest: string;
}

/** Opens the model at `path`. Throws an `InputError` when it cannot be read or is no model. */
export async function openModel(
  path: string,
  { signal, recordInput, log }: Pick<StageContext, 'signal' | 'recordInput' | 'log'>,
): Promise<OpenedModel> {
  const file = await openFile(path).catch((cause: unknown) => {
    throw new InputError(path, `the model cannot be read: ${(cause as Error).message}`, {
      cause,
      remedy: 'A run with saveAs writes one.',
    });
  });
  const bytes = await file.read(0, file.size, signal).finally(() => file.close());
  const digest = sha256(bytes);
  recordInput({ path, bytes: bytes.byteLength, sha256: digest });
  const saved = await decodeModel(bytes, path, { signal });
  if (!saved.sealed) log.warn(unsealedRemark(path));
  return { saved, model: await restoreReducer(saved.state, path), digest };
}
