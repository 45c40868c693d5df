// The common form of the aggregators: a name, axes, and what is made of one token grid.

import {
  axesKnown,
  defineAggregator,
  InputError,
  isRefusal,
  oneStream,
  refuse,
  reshape,
  spec,
  type Embedding,
  type Tensor,
  type TokenGrid,
} from '@deepearth/core';
import type { z } from 'zod';

/** Sizes of axes by name, `null` where not known yet. */
type Sizes = Readonly<Record<string, number | null>>;

interface Plan<Options> {
  readonly type: string;
  readonly summary: string;
  readonly examples: readonly string[];
  /** Axes that a grid must have beside its channels; none where any grid will do. */
  readonly needs?: readonly string[];
  /** Which token of no place it takes, if so. */
  global?(options: Options): string;
  /** Axes of the embedding, by name, for a grid with these axes, outermost first. */
  axes(grid: Sizes, options: Options): Sizes;
  make(tokens: TokenGrid, options: Options): Tensor<'float32'>;
  /** Why these options do not fit, if so. */
  refuse?(grid: Sizes, options: Options): string | undefined;
}

const remedy = 'aggregator/mean, max and none take tokens of any axes.';

/** What tokens with these axes lack, in words. */
function lacking({ type, needs = [] }: Plan<never>, axes: readonly string[]): string | undefined {
  const wanted = [...needs, 'channels'];
  const missing = wanted.filter((name) => !axes.includes(name));
  if (!missing.length && (!needs.length || axes.join() === wanted.join())) return undefined;
  const what = missing.length ? `with ${missing.join(' and ')}` : `of [${wanted.join(', ')}]`;
  return `aggregator/${type} needs tokens ${what}; these have the axes [${axes.join(', ')}].`;
}

/** Why tokens with these globals have none of this name, in words. */
export const noGlobal = (name: string, globals: readonly string[]): string =>
  `there is no token ${JSON.stringify(name)} beside the grid${globals.length ? `, but ${globals.join(', ')}` : '; this encoder makes none that belongs to no place'}.`;

/** What helps where there is no class token. */
export const noGlobalRemedy = 'aggregator/mean averages the tokens of the grid.';

/** Makes an aggregator stage of what differs from one to the next. */
export function aggregator<Schema extends z.ZodType>(schema: Schema, plan: Plan<z.output<Schema>>) {
  return defineAggregator({
    type: plan.type,
    summary: plan.summary,
    options: schema,
    examples: plan.examples,
    joins: 'parallel',

    describe(_, { options, inputs }) {
      const input = oneStream(inputs);
      if (input && isRefusal(input)) return input;
      if (input?.kind !== 'tokens')
        return refuse(`an aggregator takes tokens, not ${input?.kind ?? 'nothing'}.`, {
          remedy: 'Put it behind an encoder.',
        });
      const names = input.axes.map(({ name }) => name);
      const problem = axesKnown(input) ? lacking(plan, names) : undefined;
      if (problem) return refuse(problem, { remedy });
      const global = plan.global?.(options);
      if (global !== undefined && input.globals && !input.globals.includes(global))
        return refuse(noGlobal(global, input.globals), { remedy: noGlobalRemedy });
      const grid = Object.fromEntries(input.axes.map(({ name, size }) => [name, size]));
      const reason = plan.refuse?.(grid, options);
      return reason
        ? refuse(`${reason}.`)
        : { output: spec('embedding', plan.axes(grid, options), 'float32', input.count) };
    },

    each(tokens, context): Embedding {
      // `describe` may have known nothing of the axes.
      const problem = lacking(plan, tokens.axes);
      if (problem) throw new InputError(tokens.id, problem, { remedy });
      const sizes = Object.fromEntries(tokens.axes.map((name, axis) => [name, tokens.values.shape[axis]!]));
      const reason = plan.refuse?.(sizes, context.options);
      if (reason) throw new InputError(tokens.id, `${reason}.`);
      const axes = plan.axes(sizes, context.options);
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
