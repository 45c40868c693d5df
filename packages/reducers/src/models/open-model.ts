// Opens a saved model for a stage: read, recorded as an input of the run, and made a reducer again.

import { readFile } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import { sha256 } from '@deepearth/core/lineage';
import type { StageContext } from '@deepearth/core/stage';
import { decodeModel } from './model-file.ts';
import type { FittedReducer, SavedModel } from './model.ts';
import { restoreReducer } from './restore.ts';

export interface OpenedModel {
  readonly saved: SavedModel;
  readonly model: FittedReducer;
  /** SHA-256 of the file. */
  readonly digest: string;
}

/** Opens the model at `path`. Throws an `InputError` when it cannot be read or is no model. */
export async function openModel(
  path: string,
  { signal, recordInput }: Pick<StageContext, 'signal' | 'recordInput'>,
): Promise<OpenedModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new InputError(path, `the model cannot be read: ${(cause as Error).message}.`, {
      cause,
      remedy: 'A run with saveAs writes one.',
    });
  }
  const digest = sha256(bytes);
  recordInput({ path, bytes: bytes.byteLength, sha256: digest });
  const saved = await decodeModel(bytes, path, { signal });
  return { saved, model: await restoreReducer(saved.state, path), digest };
}
