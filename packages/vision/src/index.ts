// Picture files
export { readPicture, type PictureOptions } from './read-picture.ts';
export { readPictureFile, type PictureFile, type PictureFileOptions } from './picture-file.ts';
export { decodePicture, type DecodeOptions } from './decode-picture.ts';
// Rasters
export { cropRaster, overviewRaster, partOfRaster, type PartOptions } from './raster-part.ts';
export { pixelCache, type PixelCache } from './pixel-cache.ts';
// Geometry
export {
  fits,
  layout,
  cellAt,
  cellRectangle,
  type CropSize,
  type Fit,
  type Layout,
  type LayoutOptions,
} from './geometry.ts';
// Pictures to an encoder's input
export {
  preprocessClip,
  prepareClip,
  type PreparedClip,
  type PreprocessedClip,
  type PreprocessOptions,
} from './preprocess.ts';
export { resize, resizeWindow } from './resize.ts';
