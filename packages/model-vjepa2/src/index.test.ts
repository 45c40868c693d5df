import { expect, test } from 'vitest';
import * as index from './index.ts';

test('the names that the package exports', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "VJepa2Extractor",
      "catalogue",
      "encoderGraph",
      "findEntry",
      "graphVersion",
      "openProbe",
      "poolings",
      "probe",
      "probeOptions",
      "stages",
      "tokenGrid",
      "vjepa2",
      "vjepa2Family",
      "vjepa2Options",
    ]
  `);
});
