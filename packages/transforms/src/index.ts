// Stages
export { crop, cropOptions } from './crop.ts';
export { mask, maskOptions, type MaskSize } from './mask.ts';
export { stretch, stretchOptions } from './stretch.ts';
export { tile, tileOptions, tilesOf, tileStarts, type Tile } from './tile.ts';
export { stages } from './stages.ts';
// Parts
export { partOfFrame, type PartNames } from './part-of-frame.ts';
