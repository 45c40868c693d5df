// The conformance suite
export { describeStage } from './describe-stage.ts';
export { checks, checksFor, findProblems } from './conformance.ts';
export type { AnyStage, Check, Subject } from './subject.ts';
// Seeded data
export { given, specOf } from './given.ts';
export * from './make-frames.ts';
export * from './make-tokens.ts';
export * from './make-pictures.ts';
export { seededNormal, seededRandom } from './random.ts';
// Damage
export * from './mutate.ts';
// For laws
export { finiteTensors, shapes, tensors } from './arbitraries.ts';
// Steps across the edges of tiles
export * from './seam-steps.ts';
