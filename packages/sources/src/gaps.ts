// Gaps in numbers, for the files beside it: vision has them for all sources.

export * from '@deepearth/vision/gaps';
