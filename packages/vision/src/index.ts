// Picture files
export { readPicture, type PictureOptions } from './picture.ts';
export { readPictureFile, decodePicture, type PictureFile } from './picture-file.ts';
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
