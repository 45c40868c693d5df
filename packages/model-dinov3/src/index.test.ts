import { expect, test } from 'vitest';
import * as index from './index.ts';

test('the names that the package exports', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "catalogue",
      "dinov3",
      "dinov3Family",
      "dinov3Options",
      "encoderGraph",
      "graphVersion",
      "modelTypes",
      "processorFamily",
      "publishedProcessor",
      "stages",
    ]
  `);
});
