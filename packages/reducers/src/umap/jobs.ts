// The steps of a fit and of a placement, as jobs that all threads run together.

import type { Job } from './context.ts';
import { forces, layout, meanDistance, place, schedule, smooth, unite } from './graph-jobs.ts';
import { invert } from './invert.ts';
import { largest, withinReach } from './reach-jobs.ts';
import { clearLimits, mark, mean, missed, pick, prepare, quantize, rank } from './row-jobs.ts';
import { search } from './search.ts';
import { iterate, project, spectral } from './start-jobs.ts';
import { makeAxes, turn } from './turn.ts';

export const jobs = {
  prepare,
  mark,
  largest,
  withinReach,
  mean,
  quantize,
  pick,
  makeAxes,
  turn,
  clearLimits,
  search,
  rank,
  missed,
  meanDistance,
  smooth,
  unite,
  schedule,
  iterate,
  project,
  spectral,
  forces,
  layout,
  place,
  invert,
} as const;

export type JobName = keyof typeof jobs;
export type ParamsOf<N extends JobName> = Parameters<(typeof jobs)[N]>[1];
export type AnswerOf<N extends JobName> = ReturnType<(typeof jobs)[N]> extends Job<infer T> ? T : never;
