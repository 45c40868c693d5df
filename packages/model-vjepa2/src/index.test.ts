import { expect, test } from 'vitest';
import * as index from './index.ts';

test('the names that the package exports', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "VJepa2Extractor",
      "catalogue",
      "encoderGraph",
      "findEntry",
      "fits",
      "graphVersion",
      "layout",
      "openProbe",
      "poolings",
      "prepareClip",
      "preprocessClip",
      "probe",
      "probeOptions",
      "readPicture",
      "stages",
      "tokenGrid",
      "vjepa2",
      "vjepa2Family",
      "vjepa2Options",
    ]
  `);
});
