// Items and tensors
export * from './items.ts';
export * from './tensor.ts';
export * from './half.ts';
export * from './lineage.ts';
export * from './frame-order.ts';
export * from './raster-memory.ts';
export * from './raster-part.ts';
export * from './readable-frame.ts';
export * from './sha256.ts';
export type { ByteSource } from './byte-source.ts';
export * from './pooling.ts';
// Stages
export * from './specs.ts';
export * from './one-stream.ts';
export * from './stage.ts';
export * from './errors.ts';
export * from './registry.ts';
// Pipelines
export * from './on-error.ts';
export * from './pipeline.ts';
export * from './plan.ts';
export * from './events.ts';
export * from './manifest.ts';
export type { LongList } from './columns.ts';
export type { FrameTable, UnwrittenColumn, UnwrittenFrameTable } from './frame-tables.ts';
export { jsonText } from './json-pieces.ts';
export * from './names.ts';
export * from './file-template.ts';
export { folderOf } from './folder-of.ts';
export { run, type Run, type RunEnd, type RunOptions, type RunResult } from './run.ts';
export type { Pulled } from './pull.ts';
export type { StageRange } from './ranges.ts';
export { encodingPart, workList, type Job, type WorkList } from './work-list.ts';
export * from './run-stage.ts';
export * from './frame-reader.ts';
export * from './mermaid.ts';
// Stores
export * from './store.ts';
export { memoryStore } from './memory-store.ts';
export { digestOf } from './former-run.ts';
export { assertSafePath } from './safe-path.ts';
export * from './output-path.ts';
export { isSecretName } from './secrets.ts';
export { mergeRuns } from './merge-runs.ts';
export type { WorkerProgress } from './worker-client.ts';
