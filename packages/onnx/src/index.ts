// Running models
export { openSession, type Session, type SessionOptions, type Tensors } from './session.ts';
export {
  deviceKinds,
  parseDevice,
  type AttentionForm,
  type Device,
  type DeviceKind,
  type DevicePlan,
} from './devices.ts';
export { precisions, type Precision } from './precision.ts';
// The Hugging Face Hub and the cache
export { fetchFromHub, fetchModel, parseHubName, type FetchedModel, type FetchOptions } from './hub.ts';
export { cacheFolder, rememberedDigest } from './cache.ts';
// Comparing with references
export { compareTokens, type Comparison } from './compare.ts';
