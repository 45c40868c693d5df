import { expect, test } from 'vitest';
import * as reducers from './index.ts';
import { stages } from './stages.ts';

test('the names this package exports', () => {
  expect(Object.keys(reducers).sort()).toMatchSnapshot();
});

test('every stage of the list is of the type it is listed under', async () => {
  for (const [type, load] of Object.entries(stages)) expect((await load()).type).toBe(type);
});
