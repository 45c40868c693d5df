// Stages
export {
  geotiffSource,
  geotiffSourceOptions,
  type GeoTiffSourceOptions,
  type GeoTiffSurvey,
} from './geotiff/source.ts';
export type { ListedRaster, RasterFacts, RasterSeries, SeriesSurvey } from './geotiff/series-survey.ts';
export { geotiffSink, geotiffSinkOptions, type GeoTiffSinkOptions } from './geotiff/sink.ts';
export { geoparquetSink, geoparquetSinkOptions, type GeoParquetSinkOptions } from './geoparquet/sink.ts';
export type { GridItem } from './place/grid-item.ts';
export { stacSource, stacSourceOptions, type StacSourceOptions, type StacSurvey } from './stac/source.ts';
export { zarrSink, zarrSinkOptions, type ZarrSinkOptions } from './zarr/sink.ts';
export { stages } from './stages.ts';
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
export type { Sidecars } from './geotiff/sidecars.ts';
export type { Samples, SampleArrays, SampleType, WideType } from './geotiff/samples.ts';
export { writeCog, type CogRaster } from './geotiff/write-cog.ts';
export type { CogSamples } from './geotiff/cog-blocks.ts';
export { inspectGeoTiff, isTiff, type GeoTiffInspection, type InspectGeoTiffOptions } from './geotiff/inspect.ts';
// Data cubes
export { zarr } from './zarr.ts';
export { netcdf } from './netcdf.ts';
export { openZarr, type ZarrOptions } from './zarr/open-zarr.ts';
export { openNetcdf } from './netcdf/open-netcdf.ts';
export type { Attributes, Cube, CubeArray, Dimension, Span } from './cube.ts';
export { cubeOptions, type CubeOptions } from './cube-options.ts';
export type { CubeSeries, SeriesFrame } from './cube-series.ts';
// What a file holds
export { inspectEarth, isZarr, type Inspected, type InspectEarthOptions } from './inspect.ts';
export { inspectCube, type CubeInspection, type CubeInspectionOptions } from './cube-inspection.ts';
export { inspectStac, type StacInspection } from './stac/inspect.ts';
export type { StacItems } from './stac/read-items.ts';
export type { JsonObject } from './stac/document.ts';
export type { StacAsset, StacItem } from './stac/item.ts';
export type { RasterRef } from './geotiff/raster-ref.ts';
export type { SeriesRaster } from './geotiff/raster-stack.ts';
export type { DescribeArrayOptions } from './describe-array.ts';
export { cubeQuicklook, rasterQuicklook, type Quicklook } from './quicklook.ts';
// Bytes
export { openHttp, type HttpOptions, type HttpSource } from './http-source.ts';
export { openBytes } from './raster-bytes.ts';
// Place
export { boundsOf, isNorthUp, partOf, toGdal, type Affine } from './affine.ts';
