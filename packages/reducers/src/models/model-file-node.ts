// Saves fitted models to files and loads them (Node only).

import { InputError } from '@deepearth/core/errors';
import { readRegularFile } from '@deepearth/core/regular-file';
import { writeFileWhole } from '@deepearth/formats/write-file-node';
import { decodeModel, encodeModel, type LoadOptions } from './model-file.ts';
import type { SavedModel } from './model.ts';

/** Writes a model file: beside its final name, synced, renamed. */
export async function saveModel(path: string, model: SavedModel): Promise<void> {
  await writeFileWhole(path, [await encodeModel(model)]);
}

/** Reads a model file; see `decodeModel` for what it throws. */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<SavedModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path, { signal: options.signal });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new InputError(path, 'there is no such model file.', {
      cause,
      remedy: 'Fit one with saveAs (or --model-out) first.',
    });
  }
  return decodeModel(bytes, path, options);
}
