export interface Fleet {
  readonly devices: number;
  readonly devicesPerMachine: number;
  readonly coresPerMachine: number;
  readonly otherWork: number;
  readonly clips: number;
  readonly clipsPerShard: number;
  readonly startSeconds: number;
  readonly readSeconds: number;
  readonly encodeSeconds: number;
  readonly commitSeconds: number;
  readonly queueRate: number;
  readonly storeOperationsRate: number;
  readonly storeByteRate: number;
  readonly operationsPerClip: number;
  readonly readBytesPerClip: number;
  readonly tokenBytesPerClip: number;
  readonly mergeSeconds: number;
  readonly failureRate: number;
  readonly retrySeconds: number;
  readonly seed: number;
}
export type Shared = 'queue' | 'store, operations' | 'store, bytes';
export const freeFleet: Fleet;
export function simulateFleet(fleet: Partial<Fleet>): {
  readonly encodedSeconds: number;
  readonly seconds: number;
  readonly clipsPerSecond: number;
  readonly utilisation: number;
  readonly busy: Readonly<Record<Shared | 'cores', number>>;
  readonly mergeShare: number;
  readonly attempts: number;
  readonly encodedClips: number;
};
export function fleetLimits(fleet: Partial<Fleet>): Readonly<Record<Shared | 'merge', number>>;
