// Which streams a sink of grids takes.

import { axesKnown, refuse, type Refusal, type StreamSpec } from '@deepearth/core';
import { gridKinds } from './grid-item.ts';

/**
 * Why a sink does not take its inputs, as far as their specs tell: they are none of tokens, or have lost their places.
 * `otherwise` is what else takes such.
 */
export function refuseGrids(
  sink: string,
  inputs: readonly { readonly spec: StreamSpec }[],
  what: string,
  otherwise = '',
): Refusal | undefined {
  const other = inputs.find(({ spec: { kind } }) => !gridKinds.includes(kind));
  if (other || inputs.length === 0)
    return refuse(`${sink} takes tokens, embeddings or projections, not ${other?.spec.kind ?? 'nothing'}.`, {
      remedy: 'Put it behind an encoder, an aggregator or a reducer.',
    });
  for (const { spec } of inputs) {
    const names = spec.axes.map(({ name }) => name);
    if (axesKnown(spec) && !(names.includes('height') && names.includes('width')))
      return refuse(`what comes here has the axes ${names.join(', ')}, and ${what} needs height and width.`, {
        remedy: `Leave out the aggregator, or take one that keeps places (\`aggregator/temporal-mean\`).${otherwise && ` ${otherwise}`}`,
      });
  }
  return undefined;
}
