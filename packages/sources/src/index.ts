// Stages
export { features, featuresOptions, type FeatureEntry, type FeaturesOptions, type FeaturesSurvey } from './features.ts';
export { frames, framesOptions, type FramesOptions, type FramesSurvey } from './frames.ts';
export { synthetic, syntheticOptions } from './synthetic.ts';
export { stages } from './stages.ts';
// Parts
export {
  listFrames,
  findGaps,
  formatGaps,
  pictureEndings,
  type Listing,
  type ListingOptions,
  type NumberedFile,
} from './listing.ts';
export type { FeatureFile } from './feature-files.ts';
export type { StoredFrame, StoredFrames, StoredGrid, StoredValues } from './stored-grid.ts';
export { weather, type Weather, type WeatherOptions } from './weather.ts';
