// The laws every stage keeps, as a list and as a function that finds what a stage breaks.

import { describeChecks } from './check-describe.ts';
import { flowChecks } from './check-flow.ts';
import { frameChecks } from './check-frames.ts';
import { metadataChecks } from './check-metadata.ts';
import { resultChecks } from './check-results.ts';
import type { AnyStage, Check, Subject } from './subject.ts';

/** The laws of a stage, each with what it needs and how it is checked. */
export const checks: readonly Check[] = [
  ...metadataChecks,
  ...describeChecks,
  ...resultChecks,
  ...frameChecks,
  ...flowChecks,
];

/** The checks that apply to a stage. Throws a `TypeError` when a stage that takes items is tested without. */
export function checksFor(stage: AnyStage, subject: Subject): readonly Check[] {
  if (stage.kind !== 'source' && !subject.inputs)
    throw new TypeError(`${stage.type} takes items: give describeStage the inputs to test it with`);
  return checks.filter(({ applies }) => applies?.(stage, subject) ?? true);
}

/** Everything a stage does wrong, one sentence each; for use without vitest. */
export async function findProblems(stage: AnyStage, subject: Subject = {}): Promise<string[]> {
  const problems: string[] = [];
  for (const check of checksFor(stage, subject)) {
    const found = await check.find(stage, subject).catch((error: unknown) => [String(error)]);
    problems.push(...found.map((problem) => `${check.title}: ${problem}`));
  }
  return problems;
}
