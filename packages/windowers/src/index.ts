// Stages
export { sliding, slidingOptions, windowCount, type WindowCount } from './sliding.ts';
export { uniform, uniformOptions, uniformIndices } from './uniform.ts';
export { still, stillOptions } from './still.ts';
export { stages } from './stages.ts';
// Parts
export { clipOf } from './clip.ts';
