// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'sink/geotiff': async () => (await import('./geotiff/sink.ts')).geotiffSink,
  'sink/geoparquet': async () => (await import('./geoparquet/sink.ts')).geoparquetSink,
  'sink/zarr': async () => (await import('./zarr/sink.ts')).zarrSink,
  'source/geotiff': async () => (await import('./geotiff/source.ts')).geotiffSource,
  'source/netcdf': async () => (await import('./netcdf.ts')).netcdf,
  'source/stac': async () => (await import('./stac/source.ts')).stacSource,
  'source/zarr': async () => (await import('./zarr.ts')).zarr,
};
