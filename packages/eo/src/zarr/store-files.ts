// The files of a store: of each array its values and what they are, then all of that once more in one place.

import type { Json } from '@deepearth/core';
import type { CubeArrays } from './cube-arrays.ts';
import { arrayMetadata, chunkFiles, type StoreFile } from './write-array.ts';

const jsonFile = (key: string, value: Json): StoreFile => {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  return { key, content: () => [bytes] };
};

/** The files of a store with consolidated metadata; the content of each is read before the next one is asked for. */
export async function* storeFiles({
  arrays,
  attributes,
}: Pick<CubeArrays, 'arrays' | 'attributes'>): AsyncGenerator<StoreFile> {
  const metadata: Record<string, Json> = {};
  for (const array of arrays) {
    yield* chunkFiles(array);
    metadata[array.name] = arrayMetadata(array);
    yield jsonFile(`${array.name}/zarr.json`, metadata[array.name]!);
  }
  yield jsonFile('zarr.json', {
    zarr_format: 3,
    node_type: 'group',
    attributes,
    consolidated_metadata: { kind: 'inline', must_understand: false, metadata },
  });
}
