// Stages
export { sliding, slidingOptions, windowCount, type WindowCount } from './sliding.ts';
export { uniform, uniformOptions, uniformIndices, uniformInTime } from './uniform.ts';
export { scene, sceneOptions } from './scene.ts';
export { still, stillOptions } from './still.ts';
export { stages } from './stages.ts';
// Parts
export { clipOf } from './clip.ts';
export { colourHistogram, histogramDifference } from './colour-histogram.ts';
