// How much memory there is for a run.

import { totalmem } from 'node:os';

/** Bytes of memory of the machine, or of the container where that allows less. */
export function memoryLimit(): number {
  const machine = totalmem();
  // 0 where it cannot be told, and a very large number where there is no limit.
  const container = process.constrainedMemory();
  return container > 0 ? Math.min(machine, container) : machine;
}
