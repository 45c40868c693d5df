// Runs
export { run, type Run, type RunEnd, type RunOptions, type RunResult } from './run.ts';
export { runStage, describeAlone, type RunStageOptions, type StageInput } from './run-stage.ts';
export { refuseOtherResults } from './other-results.ts';
export { mergeRuns } from './merge-runs.ts';
// Runs that go, and those that are over, at a glance
export { overviewOf, type RunOverview, type RunSeen, type StageOverview } from './run-overview.ts';
export { readOverview } from './read-overview.ts';
// Shards
export {
  jobsOf,
  prepareShard,
  shardFolder,
  shardText,
  type ReadyShard,
  type Shard,
  type ShardOptions,
} from './shards.ts';
export {
  clearMerged,
  isMerged,
  MissingShardsError,
  prepareMerge,
  type MissingShard,
  type ReadyMerge,
} from './merge-shards.ts';
export { isBusy } from './is-busy.ts';
export { isMadeSince, resultMark } from './result-mark.ts';
// Stores
export { folderStore, type FolderStore } from './folder-store.ts';
export { s3Store, type S3StoreOptions } from './s3-store.ts';
export type { S3Patience } from './s3-client.ts';
export type { LeaseTimes } from './s3-lease.ts';
export { openStore } from './open-store.ts';
export { sha256OfFile } from './sha256-of-file.ts';
// Configuration
export { loadConfig, parseConfig, type LoadedConfig, type LoadOptions } from './config.ts';
export * from './plugins.ts';
export * from './schema.ts';
