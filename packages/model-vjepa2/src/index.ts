// The library
export {
  VJepa2Extractor,
  type ExtractOptions,
  type ExtractorOptions,
  type PictureInput,
  type RawPicture,
} from './extractor.ts';
export { poolings, type Pooling, type Tokens } from './tokens.ts';
// The encoder stage
export { vjepa2, vjepa2Options } from './vjepa2.ts';
export { probe, probeOptions, type Classification } from './probe.ts';
export { openProbe, type Probe, type ProbeOptions } from './probe-model.ts';
export { stages } from './stages.ts';
// Comparing with references
export { check, formatCheck, type CheckCase, type CheckOptions, type CheckReport } from './check.ts';
// Names of the parts that encoders share
export { compareTokens, type Comparison } from '@deepearth/onnx/compare';
export { deviceKinds, type AttentionForm, type Device, type DeviceKind } from '@deepearth/onnx/devices';
export { precisions, type Precision } from '@deepearth/onnx/precision';
// Checkpoints and their graph
export {
  openCheckpoint,
  readArchitecture,
  type Checkpoint,
  type CheckpointOptions,
  type CheckpointTensor,
} from './checkpoint.ts';
export { tokenGrid, type Architecture, type Family } from './architecture.ts';
export { encoderGraph, graphVersion, type GraphOptions } from './graph.ts';
export { openEncoder, type Encoded, type Encoder, type EncoderOptions } from './encoder.ts';
export { resolveModel, type ResolvedModel } from './resolve-model.ts';
export { surveyModel, type ModelSurvey } from './survey-model.ts';
export { catalogue, findEntry, type CatalogueEntry } from './catalogue.ts';
export { estimate, type Estimate, type EstimateOptions } from './estimate.ts';
export { placeWeights, type PlacedWeights } from './weights.ts';
