// The common form of the aggregators: a name, axes, and what is made of one token grid.

import {
  axisSize,
  defineAggregator,
  refuse,
  reshape,
  spec,
  type Embedding,
  type Tensor,
  type TokenGrid,
} from '@deepearth/core';
import type { z } from 'zod';

type Sizes = Readonly<Record<string, number | null>>;

interface Plan<Options> {
  readonly type: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Axes of the embedding, by name, for a grid of these sizes (`null` where not known yet). */
  axes(
    grid: { time: number | null; height: number | null; width: number | null; channels: number | null },
    options: Options,
  ): Sizes;
  make(tokens: TokenGrid, options: Options): Tensor<'float32'>;
  /** Why these options do not fit, if so. */
  refuse?(grid: Sizes, options: Options): string | undefined;
}

/** Makes an aggregator stage of what differs from one to the next. */
export function aggregator<Schema extends z.ZodType>(schema: Schema, plan: Plan<z.output<Schema>>) {
  return defineAggregator({
    type: plan.type,
    summary: plan.summary,
    options: schema,
    examples: plan.examples,

    describe(input, { options }) {
      if (input?.kind !== 'tokens')
        return refuse(`an aggregator takes tokens, not ${input?.kind ?? 'nothing'}.`, {
          remedy: 'Put it behind an encoder.',
        });
      const grid = {
        time: axisSize(input, 'time'),
        height: axisSize(input, 'height'),
        width: axisSize(input, 'width'),
        channels: axisSize(input, 'channels'),
      };
      const reason = plan.refuse?.(grid, options);
      return reason
        ? refuse(`${reason}.`)
        : { output: spec('embedding', plan.axes(grid, options), 'float32', input.count) };
    },

    each(tokens, context): Embedding {
      const [time, height, width, channels] = tokens.values.shape as [number, number, number, number];
      const axes = plan.axes({ time, height, width, channels }, context.options);
      return {
        kind: 'embedding',
        id: tokens.id,
        key: context.key(tokens.key),
        values: reshape(plan.make(tokens, context.options), Object.values(axes) as number[]),
        axes: Object.keys(axes),
        origin: tokens.origin,
        ...(tokens.clip && { clip: tokens.clip }),
        encoder: tokens.encoder,
      };
    },
  });
}
