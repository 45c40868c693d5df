// Stages
export { features, featuresOptions } from './features.ts';
export { table, tableOptions } from './table.ts';
export { pictures, picturesOptions, encodePicture } from './pictures.ts';
export { gif, gifOptions } from './gif.ts';
export { webp, webpOptions } from './webp.ts';
export { apng, apngOptions } from './apng.ts';
export { packageSink, packageOptions } from './package.ts';
export { explorer, explorerOptions } from './explorer.ts';
export { stages } from './stages.ts';
// Parts
export type { GifThread } from './gif-thread.ts';
export type { AnimationPicture, AnimationWriter, Parts } from '@deepearth/vision/animation';
export { gifWriter, delayOf, type GifOptions, type GifPicture, type GifWriter } from './gif-frames.ts';
export * from './explorer/bundle-index.ts';
export type { Pixels } from './palette.ts';
