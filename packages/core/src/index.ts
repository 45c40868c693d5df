// Items and tensors
export * from './items.ts';
export * from './tensor.ts';
export * from './half.ts';
export * from './lineage.ts';
export * from './pooling.ts';
// Stages
export * from './specs.ts';
export * from './stage.ts';
export * from './errors.ts';
export * from './registry.ts';
// Pipelines
export * from './on-error.ts';
export * from './pipeline.ts';
export * from './plan.ts';
export * from './events.ts';
export * from './manifest.ts';
export { run, type Run, type RunOptions, type RunResult } from './run.ts';
export * from './run-stage.ts';
export { assertSafePath, sha256OfFile } from './output-folder.ts';
// Configuration
export { loadConfig, parseConfig, type LoadedConfig, type LoadOptions } from './config.ts';
export * from './plugins.ts';
export * from './schema.ts';
export * from './mermaid.ts';
