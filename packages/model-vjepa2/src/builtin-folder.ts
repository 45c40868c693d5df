// Writes the built-in checkpoint to a folder, laid out like a published one.

import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { builtinCheckpoint, builtinTitle } from './builtin.ts';

/** Writes `config.json` and `model.safetensors`, each whole or not at all; the same bytes every time. */
export async function writeBuiltin(folder: string): Promise<void> {
  const { config, tensors } = builtinCheckpoint();
  await mkdir(folder, { recursive: true });
  await writeWhole(
    join(folder, 'model.safetensors'),
    await encodeSafetensors(tensors, { format: 'pt', name: builtinTitle }),
  );
  await writeWhole(join(folder, 'config.json'), new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`));
}

/** Beside the final name, synced, then renamed. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  try {
    await writeFile(beside, bytes);
    const handle = await open(beside, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
