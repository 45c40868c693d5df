// Picture files
export { readPicture, type PictureOptions } from './read-picture.ts';
export {
  readPictureFile,
  type FailOn,
  type PictureFile,
  type PictureFileOptions,
  type TiffDepth,
} from './picture-file.ts';
export { decodePicture, type DecodeOptions } from './decode-picture.ts';
export { pictureHeader, type PictureHeader } from './picture-header.ts';
export { pictureExif, type PictureExif } from './picture-exif.ts';
export { tiffPages, type ReadAt, type TiffPage } from './tiff-header.ts';
// Rasters
export { countValues, stretchRaster, type ValueCounts } from './stretch.ts';
export { pixelCache, type PixelCache, type PixelCacheOptions } from './pixel-cache.ts';
export { readThrough, type ReadThrough } from './read-through.ts';
// Geometry
export {
  cellAt,
  cellRectangle,
  edgeOffPatch,
  fits,
  layout,
  type CropSize,
  type Fit,
  type Layout,
  type LayoutOptions,
  type Size,
} from './geometry.ts';
// Pictures to an encoder's input
export { inputOptions, type InputOptionsOf } from './input-options.ts';
export {
  fillColour,
  imageNet,
  interpolations,
  type Interpolation,
  type PictureProcessing,
  type ResizeRule,
} from './picture-processing.ts';
export {
  clipPreparation,
  prepareClip,
  preprocessClip,
  type ClipPreparation,
  type PreparedClip,
  type PreprocessedClip,
  type PreprocessOptions,
} from './preprocess.ts';
export type { ValueRange } from './preprocess-raster.ts';
export { resize, resizeWindow, resizeWindowFloat, type Bytes } from './resize.ts';
export { readProcessor, type Processor, type ProcessorClasses, type ProcessorClassName } from './processor-config.ts';
export { findProcessor, processorNotes, type FoundProcessor, type ProcessorFamily } from './find-processor.ts';
// Times and numbers of series
export { findGaps, formatGaps, type Gaps } from './gaps.ts';
export { instantOf, isoOf, isTimeZone, secondsBetween, type Instant, type WallClock } from './instant.ts';
export { timesInNames, type NameExpression, type NameReader, type NameTime, type NameTimes } from './time-in-name.ts';
// Tokens of tiles
export { assembleTiles, type TileAssembly, type TileGrid } from './assemble-tiles.ts';
// Colours of numbers
export { categoryColor, colorMap, colorMapNames, colorTable, type ColorMapName } from './colormaps.ts';
// Frames as pictures
export { toRgb } from './rgb.ts';
