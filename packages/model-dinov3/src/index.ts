// The encoder stage
export { dinov3, dinov3Options, type Dinov3State, type Dinov3Survey } from './dinov3.ts';
export { stages } from './stages.ts';
// The family of encoders, for the shared parts: check, convert, info
export { dinov3Family } from './family.ts';
export { modelTypes, type Activation, type Architecture, type Kind } from './architecture.ts';
export { encoderGraph, graphVersion } from './graph.ts';
export { catalogue } from './catalogue.ts';
// Preparation of pictures
export { processorFamily, publishedProcessor } from './processing.ts';
