// What a store says of its embeddings: the Zarr convention geoemb.

import type { Json } from '@deepearth/core';
import { definitionOf } from '../crs/definitions.ts';
import { codeOf } from '../crs/epsg-code.ts';
import type { Lattice } from '../place/token-mosaic.ts';
import type { GridCube } from './collect-grids.ts';
import { scaleName, type CubeStorage } from './variable-arrays.ts';

/** The entry of the convention in `zarr_conventions`. */
export const embeddingConvention: Json = {
  schema_url: 'https://raw.githubusercontent.com/geo-embeddings/embeddings-zarr-convention/refs/tags/v1/schema.json',
  spec_url: 'https://github.com/geo-embeddings/embeddings-zarr-convention/blob/v1/README.md',
  uuid: '61c12cc5-0e28-4056-999a-480cf3fb7e4c',
  name: 'geoemb:',
  description: 'Geoembeddings convention for geospatial embedding arrays with model provenance',
};

/** What the store says of its first variable of tokens or embeddings; `undefined` where it has none. */
export function embeddingAttributes(
  { variables, crs, cell, sequence }: GridCube,
  { dtype }: CubeStorage,
  { transform: [a, b, , d, e] }: Lattice,
): { readonly [name: string]: Json } | undefined {
  const found = variables.find(({ item }) => item.kind !== 'projection');
  if (!found || found.item.kind === 'projection') return undefined;
  const { name, item, bands } = found;
  const code = crs === undefined ? undefined : codeOf(crs);
  const system = code === undefined ? undefined : definitionOf(code);
  return {
    'geoemb:type': 'chip',
    'geoemb:dimensions': bands,
    'geoemb:model': (item as { encoder: { name: string } }).encoder.name,
    'geoemb:source_data': [sequence],
    'geoemb:data_type': dtype,
    'geoemb:chip_layout': {
      layout_type: 'regular_grid',
      // Whole numbers, by the convention; `spatial:transform` has the exact ones.
      chip_size: [Math.max(1, Math.round(cell.height)), Math.max(1, Math.round(cell.width))],
    },
    ...(system && 'base' in system && { 'geoemb:gsd': Math.sqrt(Math.abs(a * e - b * d)) }),
    ...(dtype === 'int8' && {
      'geoemb:quantization': {
        method: 'per_pixel_scale',
        original_dtype: 'float32',
        quantized_dtype: 'int8',
        scale: { type: 'array', array_name: scaleName(name), nodata: 'NaN' },
      },
    }),
  };
}
