// How like one token, or its own neighbours in time, every token is: reducer/similarity.

import { axesKnown } from '@deepearth/core/specs';
import { refuse } from '@deepearth/core/stage';
import { reducerStage } from '../run/reducer-stage.ts';
import { positionAlong, similarityReduction } from './similarity-reduction.ts';

/**
 * Returns one number per token: the cosine (-1 to 1) to the picked token, or the mean cosine to its neighbours in time
 * (1 where there are none).
 */
export const similarityStage = reducerStage(similarityReduction, {
  summary: 'Compares every token with a picked one, or with its neighbours in time.',
  examples: [
    '- type: reducer/similarity\n  with: { to: { clip: 0, time: 4, row: 12, column: 12 } }',
    '- type: reducer/similarity\n  with: { to: time }',
  ],
  without: ['lightness'],
  saved: false,
  name: ({ to }) => (to === 'time' ? 'similarity-in-time' : 'similarity'),
  refuse(input, { to }) {
    const axes = input.axes.filter(({ name }) => name !== 'channels');
    if (to === 'time')
      return !axesKnown(input) || axes.some(({ name }) => name === 'time')
        ? undefined
        : refuse(`tokens have no axis "time", only ${axes.map(({ name }) => name).join(', ')}.`, {
            option: 'to',
            remedy: 'Pick a token to compare with.',
          });
    if (input.count !== null && input.count > 0 && to.clip >= input.count)
      return refuse(`clip ${to.clip} was picked, and only ${input.count} will come.`, {
        option: 'to',
        remedy: `Pick one from 0 to ${input.count - 1}.`,
      });
    for (const name of Object.keys(to.at ?? {}))
      if (axesKnown(input) && !axes.some((axis) => axis.name === name))
        return refuse(
          `a place along ${name} was picked, and tokens have ${axes.map((axis) => axis.name).join(', ')}.`,
          {
            option: 'to',
          },
        );
    for (const { name, size } of axes) {
      const picked = positionAlong(name, to);
      if (size !== null && picked >= size)
        return refuse(`a token at ${name} ${picked} was picked, and grids have ${size}.`, {
          option: 'to',
          remedy: `Pick one from 0 to ${size - 1}.`,
        });
    }
    return undefined;
  },
});
