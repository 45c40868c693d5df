import { expect, test } from 'vitest';
import * as everything from './index.ts';
import { stages } from './stages.ts';

test('every stage is listed under its own type', async () => {
  for (const [type, load] of Object.entries(stages)) expect((await load()).type).toBe(type);
});

test('what the package exports is what it is meant to', () => {
  expect(Object.keys(everything).sort()).toMatchInlineSnapshot(`
    [
      "crop",
      "cropOptions",
      "mask",
      "maskOptions",
      "partOfFrame",
      "stages",
      "stretch",
      "stretchOptions",
      "tile",
      "tileOptions",
      "tileStarts",
      "tilesOf",
    ]
  `);
});
