// Reads frames from Zarr stores.

import { defineCubeSource } from './cube-source.ts';
import { openZarr } from './zarr/open-zarr.ts';

/** The stage `source/zarr`. */
export const zarr = defineCubeSource({
  type: 'zarr',
  summary: 'Reads a variable of a Zarr store as a sequence of frames, one for each time.',
  pathDescription:
    'A Zarr store, of format 2 or 3: a folder, a `.zip` file, or an address (`https://…`); or several whose times follow one another.',
  examples: [
    '- type: source/zarr\n  with: { path: temperature.zarr }',
    '- type: source/zarr\n  with: { path: era5.zarr, variable: t, select: { level: 850 }, colorMap: turbo }',
    '- type: source/zarr\n  with: { path: scenes.zarr, variable: reflectance, bands: [B04, B03, B02], stretch: { range: [0, 3000] } }',
    '- type: source/zarr\n  with: { path: era5.zarr, variable: [t2m, u10, v10], from: 2024-01-01, to: 2024-01-31, bounds: [-12, 40, 30, 65] }',
  ],
  open: (path, { chunkCacheBytes, variables, signal }) =>
    openZarr(path, { cacheBytes: chunkCacheBytes, names: variables, signal }),
});
