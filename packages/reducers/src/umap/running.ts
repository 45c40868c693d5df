// What goes along with every step of a fit: the caller's signal and progress, and how rows are picked evenly.

import type { Progress } from '../models/model.ts';
import type { RunOptions } from './engine.ts';

export interface Running {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** `count` numbers below `rows`, evenly spread. */
export const evenly = (rows: number, count: number): Uint32Array =>
  Uint32Array.from({ length: Math.min(rows, count) }, (_, i) => Math.floor((i * rows) / Math.min(rows, count)));

export const step = (running: Running, name: string, total: number): RunOptions => ({
  signal: running.signal,
  onProgress: running.progress,
  step: name,
  total,
});
