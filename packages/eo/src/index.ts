// GeoTIFF
export {
  geotiffOf,
  openGeoTiff,
  type GeoTiff,
  type MaskKind,
  type RasterBand,
  type RasterReadOptions,
  type RasterWindow,
} from './geotiff/open-geotiff.ts';
export type { Samples, SampleArrays, SampleType } from './geotiff/samples.ts';
// Bytes
export { openHttp, type HttpOptions, type HttpSource } from './http-source.ts';
export { openBytes } from './raster-bytes.ts';
// Place
export { boundsOf, partOf, toGdal, type Affine } from './affine.ts';
