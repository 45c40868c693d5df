// The library
export {
  VJepa2Extractor,
  type ExtractOptions,
  type ExtractorOptions,
  type PictureInput,
  type RawPicture,
} from './extractor.ts';
export type { ClipOptions } from './ready-clip.ts';
export { poolings, type Pooling, type Tokens } from './tokens.ts';
// The encoder stage
export { vjepa2, vjepa2Options, type Vjepa2State, type Vjepa2Survey } from './vjepa2.ts';
export { probe, probeOptions, type Classification, type ProbeState } from './probe.ts';
export { openProbe, type Probe, type ProbeOptions } from './probe-model.ts';
export { stages } from './stages.ts';
// The family of encoders, for the shared parts: check, convert, info
export { vjepa2Family } from './family.ts';
export { tokenGrid, type Architecture, type Family } from './architecture.ts';
export { encoderGraph, graphVersion } from './graph.ts';
export { catalogue, findEntry, type CatalogueEntry, type Size } from './catalogue.ts';
