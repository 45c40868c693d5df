// Stages
export { features, featuresOptions, type FeatureEntry, type FeaturesOptions, type FeaturesSurvey } from './features.ts';
export { frames, framesOptions, type FramesOptions, type FramesSurvey } from './frames.ts';
export { list, listOptions, type ListOptions, type ListSurvey } from './list.ts';
export { synthetic, syntheticOptions } from './synthetic.ts';
export { watch, watchOptions, type WatchOptions, type WatchSurvey } from './watch.ts';
export { stages } from './stages.ts';
// Parts
export type { ListColumns, Role } from './list-columns.ts';
export type { BadRow, ListEntry, ListLine, ListReading, OtherMedia } from './list-entries.ts';
export type { RowsOptions } from './list-rows.ts';
export type { ReadFile } from './list-text.ts';
export type { SampledPicture } from './list-survey.ts';
export { listFrames, type Listing, type ListingOptions, type SequenceListing } from './listing.ts';
export { findGaps, formatGaps, type Gaps } from './gaps.ts';
export { pictureEndings } from './picture-folder.ts';
export { timesInNames, type NameReader, type NameTime, type NameTimes } from './time-in-name.ts';
export { isoOf, type Instant } from './instant.ts';
export { orders, type ListedFrame, type Order } from './order-frames.ts';
export type { FrameHeaders } from './frame-headers.ts';
export type { FeatureFile } from './feature-files.ts';
export type { StoredFrame, StoredFrames, StoredGrid, StoredValues } from './stored-grid.ts';
export { weather, type Weather, type WeatherOptions } from './weather.ts';
