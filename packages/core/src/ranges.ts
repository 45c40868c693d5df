// The part of its input that each stage has to send when a run works on a part.

import { ConfigError, type ConfigIssue } from './errors.ts';
import type { Plan, StagePlan } from './plan.ts';
import { hullOf, wholeRange, type ClipRange } from './range.ts';
import { countsOf } from './specs.ts';
import type { Range } from './stage.ts';

/** The range of one stage: what it is to send (sources frames, windowers clips), and which frames come to it. */
export interface StageRange {
  readonly frames?: Range;
  readonly clips?: Range;
}

/** The range of one stage in each sequence. */
export type SequenceRanges = (sequence: string) => StageRange;

/**
 * Splits a range over the stages of a plan: windowers get it as clips, sources as the frames that those clips need (or
 * as frames, where no windower follows). Throws a `ConfigError` for an invalid range and for windowers that make
 * clips of the whole sequence only.
 */
export function stageRanges({ pipeline, stages }: Plan, range: Range | undefined): ReadonlyMap<string, SequenceRanges> {
  const ranges = new Map<string, SequenceRanges>();
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
    const frames = needed.length ? hullOf(needed) : range;
    ranges.set(stage.id, () => ({ frames }));
    for (const { stage: windower } of windowers) ranges.set(windower.id, () => ({ frames, clips: range }));
  }
  if (issues.length) throw new ConfigError(issues);
  return ranges;
}

/** Stages whose part of a range lies behind all that they have, and what a run says of it. */
export function behindTheEnd(
  { stages }: Plan,
  { first }: Range,
): readonly { readonly id: string; readonly message: string }[] {
  return stages.flatMap(({ stage: { id, definition }, description: { output } }) => {
    const counted =
      definition.kind === 'windower' || (definition.kind === 'source' && windowersBehind(id, stages).length === 0);
    const counts = counted ? countsOf(output) : undefined;
    if (!counts || counts.length === 0 || counts.some((count) => count > first)) return [];
    const most = Math.max(...counts);
    const what = output.kind === 'clip' ? 'clip' : 'item';
    return [
      {
        id,
        message: `the run works from ${what} ${first} on, counted from 0, and ${counts.length > 1 ? 'the longest sequence has' : 'there are'} ${most}: nothing is left to do.`,
      },
    ];
  });
}

/**
 * What each stage has to send so that these clips come, and no others: windowers the clips, sources the frames that
 * they need, of sequences without clips nothing. A windower that makes clips of whole sequences gets the whole
 * sequence. Where a transform makes sequences of its own (tiles), every sequence of the source gives the frames that
 * one of them needs.
 */
export function clipRanges({ stages }: Plan, clips: readonly ClipRange[]): ReadonlyMap<string, SequenceRanges> {
  const ranges = new Map<string, SequenceRanges>();
  const sources = stages.filter(({ stage }) => stage.definition.kind === 'source');
  const sent = new Set(sources.flatMap(({ description }) => description.output.sequences ?? []));
  for (const { stage: source } of sources) {
    const windowers = windowersBehind(source.id, stages);
    const needed = windowers.flatMap(({ stage: { id, definition, options } }) =>
      clips
        .filter(({ stage }) => stage === id)
        .map((range) => ({ sequence: range.sequence, frames: definition.framesOf?.(range, options) ?? wholeRange })),
    );
    const ofAll = hullOf(needed.filter(({ sequence }) => !sent.has(sequence)).map(({ frames }) => frames));
    const own = new Map<string, Range>();
    for (const { sequence, frames } of needed)
      if (sent.has(sequence)) own.set(sequence, hullOf([own.get(sequence) ?? nothing, frames]));
    const framesOf = (sequence: string): Range => hullOf([ofAll, own.get(sequence) ?? nothing]);
    ranges.set(source.id, (sequence) => ({ frames: framesOf(sequence) }));
    for (const { stage: windower } of windowers) {
      const wanted = new Map(
        clips.filter(({ stage }) => stage === windower.id).map((range) => [range.sequence, range] as const),
      );
      ranges.set(windower.id, (sequence) => ({
        frames: framesOf(sequence),
        clips: wanted.get(sequence) ?? nothing,
      }));
    }
  }
  return ranges;
}

const nothing: Range = { first: 0, end: 0 };

/** Windowers that get the frames of a source, through transforms or at once. */
export function windowersBehind(id: string, stages: Plan['stages']): readonly StagePlan[] {
  return stages.flatMap((entry) => {
    if (!entry.stage.from.includes(id)) return [];
    if (entry.stage.definition.kind === 'windower') return [entry];
    return entry.stage.definition.kind === 'transform' ? windowersBehind(entry.stage.id, stages) : [];
  });
}
