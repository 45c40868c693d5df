// The part of its input that each stage has to send when a run works on a range.

import { ConfigError, type ConfigIssue } from './errors.ts';
import type { Plan } from './plan.ts';
import type { Range } from './stage.ts';

/** The range of one stage: what it is to send (sources frames, windowers clips), and which frames come to it. */
export interface StageRange {
  readonly frames?: Range;
  readonly clips?: Range;
}

/**
 * Splits a range over the stages of a plan: windowers get it as clips, sources as the frames that those clips need (or
 * as frames, where no windower follows). Throws a `ConfigError` for an invalid range and for windowers that make
 * clips of the whole sequence only.
 */
export function stageRanges({ pipeline, stages }: Plan, range: Range | undefined): ReadonlyMap<string, StageRange> {
  const ranges = new Map<string, StageRange>();
  if (!range) return ranges;
  const issues: ConfigIssue[] = [];
  const report = (path: string, message: string, remedy: string): void =>
    void issues.push({ location: { file: `<${pipeline.name}>` }, path, message, remedy });
  const { first, end } = range;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(end) || first < 0 || end <= first)
    report('range', `a range runs from a whole number to a larger one, got ${first} to ${end}.`, 'Count from 0.');
  if (issues.length) throw new ConfigError(issues);

  for (const { stage } of stages) {
    if (stage.definition.kind !== 'source') continue;
    const windowers = windowersBehind(stage.id, stages);
    const needed = windowers.flatMap(({ stage: windower }) => {
      const frames = windower.definition.framesOf?.(range, windower.options);
      if (!frames)
        report(
          windower.id,
          `${windower.definition.type} makes clips of whole sequences, and this run works on a part.`,
          'Use windower/sliding or windower/still, or run the whole.',
        );
      return frames ?? [];
    });
    const frames = needed.length
      ? { first: Math.min(...needed.map((part) => part.first)), end: Math.max(...needed.map((part) => part.end)) }
      : range;
    ranges.set(stage.id, { frames });
    for (const { stage: windower } of windowers) ranges.set(windower.id, { frames, clips: range });
  }
  if (issues.length) throw new ConfigError(issues);
  return ranges;
}

/** Windowers that get the frames of a source, through transforms or at once. */
function windowersBehind(id: string, stages: Plan['stages']): Plan['stages'] {
  return stages.flatMap((entry) => {
    if (!entry.stage.from.includes(id)) return [];
    if (entry.stage.definition.kind === 'windower') return [entry];
    return entry.stage.definition.kind === 'transform' ? windowersBehind(entry.stage.id, stages) : [];
  });
}
