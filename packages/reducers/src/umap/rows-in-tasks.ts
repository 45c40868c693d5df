// Rows of tokens as tasks that threads take one after another.

import type { JobContext, Job } from './context.ts';
import type { Metric, Plan } from './plan.ts';

/** Rows of one task: some milliseconds at most. */
const taskRows = 64;

/** What most jobs need to know. */
export interface Common {
  readonly plan: Plan;
  readonly metric: Metric;
}

/** Runs `work` over rows in tasks that threads take one after another. */
export async function* overRows(
  context: JobContext,
  rows: number,
  work: (from: number, to: number) => void,
): Job<void> {
  for (let from = context.take() * taskRows; from < rows; from = context.take() * taskRows) {
    const to = Math.min(rows, from + taskRows);
    work(from, to);
    yield to - from;
  }
}
