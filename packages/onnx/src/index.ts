// What a family of encoders says of itself
export type {
  AnyFamily,
  BuiltinModel,
  GraphInput,
  GraphRequest,
  Meaning,
  ModelFamily,
  References,
  Unpacked,
  Workload,
} from './family.ts';
export type { EncoderArchitecture, Grid } from './architecture.ts';
export { findPublished, namesOf, type Published } from './published.ts';
export { familyOf } from './choose-family.ts';
export { meaningBy, type Spellings } from './tensor-spellings.ts';
// Checkpoints and encoders
export {
  openCheckpoint,
  readArchitecture,
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointTensor,
} from './checkpoint.ts';
export type { Encoded } from './encoded.ts';
export { encoderFingerprint, openEncoder, type Encoder, type EncoderOptions } from './encoder.ts';
export { encodeFrames, joined, globalTokens, type EncodedFrames, type PreparedFrames } from './encode-frames.ts';
export { resolveModel, type ResolvedModel, type ResolveOptions } from './resolve-model.ts';
export { surveyModel, type ModelSurvey } from './survey-model.ts';
export { countEncoder, estimate, type EncoderCounts, type Estimate, type EstimateOptions } from './estimate.ts';
export { modelInfo, renderModelInfo, type ModelInfo, type ModelInfoOptions } from './model-info.ts';
export { listModels, renderModels, type ListedModel } from './model-list.ts';
// Comparing with references
export { checkModel, formatCheck, type CheckCase, type CheckOptions, type CheckReport } from './check.ts';
export { compareTokens, type Comparison } from './compare.ts';
// Encoder stages
export {
  closeModel,
  encoderOptions,
  encoderPlacement,
  encodeStream,
  openModel,
  type EncodeContext,
  type EncoderStageOptions,
  type Encoding,
  type OpenModel,
} from './encode-stage.ts';
// Parts of a graph
export { attention, headsShape, type Attend, type AttentionOptions } from './graph-attention.ts';
export { graphParts, microsoft, type GraphParts, type PartsOptions } from './graph-parts.ts';
export { cutPatches } from './patches.ts';
// Weights
export { placeWeights } from './weights.ts';
export type { PlacedWeight, PlacedWeights, PlaceOptions } from './placed-weights.ts';
export { precisions, type Precision } from './precision.ts';
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
// The Hugging Face Hub and the cache
export {
  fetchFromHub,
  fetchModel,
  parseHubName,
  type FetchedModel,
  type FetchOptions,
  type FetchProgress,
} from './hub.ts';
export type { Variables } from './hub-environment.ts';
export { cacheFolder, rememberedDigest } from './cache.ts';
export { waits, type DeviceUse, type Phase, type UseTimes, type Wait } from './device-use.ts';
