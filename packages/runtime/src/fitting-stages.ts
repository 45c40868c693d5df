// The stages of a pipeline whose fit to the whole run shards share in.

import type { FitInShards } from '@deepearth/core/stage';
import type { PipelineStage } from '@deepearth/core/pipeline';
import type { Plan } from '@deepearth/core/plan';
import { openEnd } from '@deepearth/core/range';
import { axesKnown } from '@deepearth/core/specs';
import type { WorkList } from '@deepearth/core/work-list';

/** A stage that fits to all tokens of an encoder. */
export interface FittingStage {
  readonly stage: PipelineStage;
  readonly shared: FitInShards;
  /** Over the whole input, the number of the first token of each job. */
  readonly first: readonly number[];
}

/**
 * The stages that take the tokens of one encoder, fit to all of them, and do so in parts. None where it is not known
 * how many tokens a job makes.
 */
export const fittingStages = ({ pipeline, stages }: Plan, { jobs }: WorkList): readonly FittingStage[] =>
  pipeline.stages.flatMap((stage): readonly FittingStage[] => {
    const shared = stage.definition.fitInShards;
    if (stage.from.length !== 1 || !shared?.fits(stage.options)) return [];
    const encoder = stages.find((each) => each.stage.id === stage.from[0])!;
    if (encoder.stage.definition.kind !== 'encoder') return [];
    const { output } = encoder.description;
    const axes = output.axes.filter(({ name }) => name !== 'channels');
    const tokens = axes.reduce((product, { size }) => product * (size ?? NaN), axesKnown(output) ? 1 : NaN);
    const clipsOf = ({ clips }: WorkList['jobs'][number]): number =>
      clips === null
        ? NaN
        : clips
            .filter((range) => encoder.stage.from.includes(range.stage))
            .reduce((sum, { first, end }) => sum + (end === openEnd ? NaN : end - first), 0);
    let next = 0;
    const first = jobs.map((job) => {
      const here = next;
      next += clipsOf(job) * tokens;
      return here;
    });
    return Number.isNaN(next) ? [] : [{ stage, shared, first }];
  });
