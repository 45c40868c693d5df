// Writes the built-in checkpoint to a folder, laid out like a published one.

import { join } from 'node:path';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { writeFileWhole, type WrittenFile } from '@deepearth/formats/write-file-node';
import { builtinCheckpoint, builtinTitle } from './builtin.ts';

/** Writes `config.json` and `model.safetensors`, each whole or not at all; the same bytes every time. */
export async function writeBuiltin(folder: string): Promise<readonly WrittenFile[]> {
  const { config, tensors } = builtinCheckpoint();
  const write = (name: string, bytes: Uint8Array): Promise<WrittenFile> => writeFileWhole(join(folder, name), [bytes]);
  return [
    await write('model.safetensors', await encodeSafetensors(tensors, { format: 'pt', name: builtinTitle })),
    await write('config.json', new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`)),
  ];
}
