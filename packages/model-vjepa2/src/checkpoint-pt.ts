// Finds the encoder inside an original .pt file.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from '@deepearth/formats/bytes';
import type { LazyTensor } from '@deepearth/formats/lazy-tensor';

export async function openPickled(source: ByteSource): Promise<ReadonlyMap<string, LazyTensor>> {
  throw new InputError(source.name, 'weights are read from safetensors files.');
}
