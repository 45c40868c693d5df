// Stages
export { features, featuresOptions, type FeaturesOptions, type FeaturesSurvey } from './features.ts';
export { frames, framesOptions, type FramesOptions, type FramesSurvey } from './frames.ts';
export { synthetic, syntheticOptions } from './synthetic.ts';
export { stages } from './stages.ts';
// Parts
export { listFrames, findGaps, formatGaps, pictureEndings, type Listing, type NumberedFile } from './listing.ts';
export { weather, type Weather, type WeatherOptions } from './weather.ts';
