// Cuts the encoding of a pipeline into jobs that processes do apart: ranges of clips, the same wherever they are cut.

import { recipeOf } from './book.ts';
import type { Json } from './items.ts';
import { canonicalJson, lineage } from './lineage.ts';
import type { Manifest } from './manifest.ts';
import type { Pipeline } from './pipeline.ts';
import type { Plan, StagePlan } from './plan.ts';
import { windowersBehind } from './ranges.ts';
import { axisSize, countsOf } from './specs.ts';
import { finalAction } from './on-error.ts';
import { openEnd, wholeRange, type ClipRange } from './range.ts';

/** What one process does. */
export interface Job {
  /**
   * Digest of what it encodes, as far as that is known without reading it, and of all options that decide what comes
   * out.
   */
  readonly name: string;
  /**
   * In the order of the run; none: there is nothing to do. `null` where the work cannot be cut and this is all of it.
   */
  readonly clips: readonly ClipRange[] | null;
  /** How many clips; `null` where that shows only when the frames have been looked at. */
  readonly count: number | null;
}

/** The encoding of a pipeline, cut. */
export interface WorkList {
  /** Digest of all jobs. */
  readonly name: string;
  readonly jobs: readonly Job[];
  /** The stages that the jobs run, and their options, without those that decide only where and how fast. */
  readonly recipe: readonly Pick<Manifest['pipeline'][number], 'id' | 'type' | 'from' | 'with'>[];
  /** How many clips there are; `null` where that shows only when the frames have been looked at. */
  readonly count: number | null;
  /** What was not cut, and why. */
  readonly notes: readonly string[];
}

/** The encoders of a pipeline and all stages that lead to them: what is done clip by clip, and costs most. */
export function encodingPart({ stages, ...pipeline }: Pipeline): Pipeline {
  const leading = new Set<string>();
  for (const { id, from, definition } of [...stages].reverse())
    if (definition.kind === 'encoder' || leading.has(id)) for (const each of [id, ...from]) leading.add(each);
  return { ...pipeline, stages: stages.filter(({ id }) => leading.has(id)) };
}

/** The clips that one windower makes of one sequence. */
interface Unit {
  readonly stage: string;
  readonly sequence: string;
  /** `null` where it is not known; the sequence then stays whole. */
  readonly clips: number | null;
  readonly weight: number;
  /** Whether parts of the sequence give the same clips as the whole of it. */
  readonly cuttable: boolean;
}

/** A place between two clips: so many of a unit lie before it. */
interface Cut {
  readonly unit: number;
  readonly clips: number;
}

/** The plan of the `encodingPart` of a pipeline. */
function encodingPlan({ pipeline, stages, ...plan }: Plan): Plan {
  const part = encodingPart(pipeline);
  const ids = new Set(part.stages.map(({ id }) => id));
  return { ...plan, pipeline: part, stages: stages.filter(({ stage }) => ids.has(stage.id)) };
}

/**
 * Cuts the encoding of a planned pipeline into `count` jobs of about the same number of clips, each a run of clips
 * that follow one another. A sequence with no more work than a job is never cut, and neither is one whose clips depend
 * on all of its frames; a job may then be left without work. Where the sequences are not known, the first job is all.
 */
export function workList(whole: Plan, count: number): WorkList {
  const planned = encodingPlan(whole);
  const recipe = recipeWithoutPlacement(planned.pipeline);
  const { units, notes } = unitsOf(planned);
  const parts: readonly (readonly ClipRange[] | null)[] = units
    ? partsOf(units, count)
    : Array.from({ length: count }, (_, index) => (index === 0 ? null : []));
  const byRange = new Map(units?.map((unit) => [unitKey(unit), unit]));
  const known = knownInputs(planned);
  const jobs = parts.map((clips) => ({
    name: lineage('job', recipe, clips, clips && known(clips)),
    clips,
    count:
      clips &&
      sumOf(clips.map((range) => (byRange.get(unitKey(range))!.clips === null ? null : range.end - range.first))),
  }));
  const idle = jobs.filter(({ clips }) => clips?.length === 0).length;
  return {
    name: lineage('work list', ...jobs.map(({ name }) => name)),
    jobs,
    recipe,
    count: units ? sumOf(units.map(({ clips }) => clips)) : null,
    notes: [...notes, ...(idle ? [`${idle} of ${count} jobs have nothing to do`] : [])],
  };
}

/** The same in at most `most` jobs, none of which has nothing to do unless all have. */
export function workListUpTo(whole: Plan, most: number): WorkList {
  for (let count = most; ;) {
    const work = workList(whole, count);
    const idle = work.jobs.filter(({ clips }) => clips?.length === 0).length;
    if (idle === 0 || count === 1) return work;
    count = Math.max(1, count - idle);
  }
}

const unitKey = ({ stage, sequence }: Pick<Unit, 'stage' | 'sequence'>): string => canonicalJson([stage, sequence]);

const sumOf = (counts: readonly (number | null)[]): number | null =>
  counts.reduce<number | null>((sum, each) => (sum === null || each === null ? null : sum + each), 0);

/**
 * What can be done apart, in the order of the run; absent where only all of it can, for the reason that a note gives.
 */
function unitsOf({ stages }: Plan): { readonly units?: readonly Unit[]; readonly notes: readonly string[] } {
  const encoders = stages.filter(({ stage }) => stage.definition.kind === 'encoder');
  if (encoders.length === 0)
    return {
      units: [],
      notes: ['there is no encoder: what there is to do needs everything at once, and is left to the merge'],
    };
  const byId = new Map(stages.map((each) => [each.stage.id, each]));
  const windowers = new Map<string, { readonly planned: StagePlan; encoders: number }>();
  for (const { stage } of encoders)
    for (const id of stage.from) {
      const planned = byId.get(id)!;
      if (planned.stage.definition.kind !== 'windower')
        return { notes: [`${stage.id} takes what ${id} sends, which are no clips: all of it is one job`] };
      windowers.set(id, { planned, encoders: (windowers.get(id)?.encoders ?? 0) + 1 });
    }
  const notes: string[] = [];
  const units: Unit[] = [];
  for (const { stage } of stages) {
    const windower = windowers.get(stage.id);
    if (!windower) continue;
    const { output } = windower.planned.description;
    const { sequences } = output;
    const leading = framesBefore(stage.id, byId);
    if (!sequences || !leading.some(({ stage: { definition } }) => definition.kind === 'source'))
      return { notes: [`which sequences ${stage.id} sends is known only when they have come: all of it is one job`] };
    const counts = countsOf(output);
    const inParts = stage.definition.framesOf?.({ first: 0, end: 1 }, stage.options) !== undefined;
    const skipping = leading.find(({ stage: { onError } }) => finalAction(onError) === 'skip');
    const uncut = !inParts
      ? `${stage.definition.type} makes clips of whole sequences: ${stage.id} is cut between them only`
      : !counts
        ? `how many clips ${stage.id} makes is known only when the frames have come: sequences stay whole`
        : skipping
          ? `${skipping.stage.id} skips frames that fail, which moves the clips behind them: sequences stay whole`
          : undefined;
    if (uncut !== undefined) notes.push(uncut);
    const frames = stage.from.flatMap((id) => countsOf(byId.get(id)!.description.output) ?? []);
    const size = axisSize(output, 'time') ?? 1;
    for (const [index, sequence] of sequences.entries()) {
      const clips = counts?.[index] ?? null;
      // What is not known is guessed from the frames, so that long sequences count for more.
      const weight = clips ?? Math.max(1, Math.ceil((frames[index] ?? 0) / size));
      if (clips !== 0)
        units.push({
          stage: stage.id,
          sequence,
          clips,
          weight: weight * windower.encoders,
          cuttable: uncut === undefined,
        });
    }
  }
  return { units, notes };
}

/** The sources and transforms that a windower takes its frames from, at once and through others. */
function framesBefore(id: string, byId: ReadonlyMap<string, StagePlan>): readonly StagePlan[] {
  return byId.get(id)!.stage.from.flatMap((from) => {
    const planned = byId.get(from)!;
    const { kind } = planned.stage.definition;
    return kind === 'source' || kind === 'transform' ? [planned, ...framesBefore(from, byId)] : [];
  });
}

/** Cuts units, one after the other, into parts of about the same weight. */
function partsOf(units: readonly Unit[], count: number): ClipRange[][] {
  const total = units.reduce((sum, { weight }) => sum + weight, 0);
  const starts: number[] = [];
  units.reduce((at, { weight }) => (starts.push(at), at + weight), 0);
  let unit = 0;
  const cutAt = (index: number): Cut => {
    const target = (total * index) / count;
    while (unit < units.length && starts[unit]! + units[unit]!.weight <= target) unit++;
    const here = units[unit];
    if (!here) return { unit, clips: 0 };
    const inside = (target - starts[unit]!) / here.weight;
    if (!here.cuttable || here.weight <= total / count)
      return inside < 0.5 ? { unit, clips: 0 } : { unit: unit + 1, clips: 0 };
    return { unit, clips: Math.round(inside * here.clips!) };
  };
  const cuts = Array.from({ length: count + 1 }, (_, index) =>
    index === 0 ? { unit: 0, clips: 0 } : index === count ? { unit: units.length, clips: 0 } : cutAt(index),
  );
  return cuts.slice(1).map((end, index) => {
    const from = cuts[index]!;
    return units.slice(from.unit, end.unit + 1).flatMap(({ stage, sequence, clips }, offset): ClipRange[] => {
      const at = from.unit + offset;
      const first = at === from.unit ? from.clips : 0;
      const last = at === end.unit ? end.clips : (clips ?? openEnd);
      return first < last ? [{ stage, sequence, first, end: last }] : [];
    });
  });
}

/** A pipeline without what decides only where and how fast it runs, and what becomes of failures. */
const recipeWithoutPlacement = (pipeline: Pipeline): WorkList['recipe'] =>
  recipeOf(pipeline).map(({ id, type, from, with: options }, index) => {
    const { placement = [] } = pipeline.stages[index]!.definition;
    const kept = Object.entries(options as object).filter(([name]) => !placement.includes(name));
    return { id, type, from, with: Object.fromEntries(kept) };
  });

/** What sources know of the frames of clips, without reading them. */
function knownInputs({ stages }: Plan): (clips: readonly ClipRange[]) => Json {
  const sources = stages
    .filter(({ stage }) => stage.definition.kind === 'source')
    .map((source) => {
      const windowers = windowersBehind(source.stage.id, stages).map(({ stage }) => [stage.id, stage] as const);
      return { ...source, windowers: new Map(windowers), sequences: new Set(source.description.output.sequences) };
    });
  const isSent = (sequence: string): boolean => sources.some(({ sequences }) => sequences.has(sequence));
  return (clips) =>
    sources.flatMap(({ stage: { id, definition, options }, survey, sequences, windowers }) =>
      clips.flatMap((range) => {
        const windower = windowers.get(range.stage);
        if (!windower) return [];
        const frames = windower.definition.framesOf?.(range, windower.options) ?? wholeRange;
        // Sequences that a transform makes are made of any of the source's.
        const own = sequences.has(range.sequence) ? [range.sequence] : isSent(range.sequence) ? [] : [...sequences];
        return own.map((sequence): Json => [
          id,
          sequence,
          definition.known?.(sequence, frames, { options, survey }) ?? null,
        ]);
      }),
    );
}
