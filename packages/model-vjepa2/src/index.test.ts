import { expect, test } from 'vitest';
import * as index from './index.ts';

test('the names that the package exports', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "VJepa2Extractor",
      "catalogue",
      "check",
      "compareTokens",
      "deviceKinds",
      "encoderGraph",
      "estimate",
      "findEntry",
      "formatCheck",
      "graphVersion",
      "openCheckpoint",
      "openEncoder",
      "openProbe",
      "placeWeights",
      "poolings",
      "precisions",
      "probe",
      "probeOptions",
      "readArchitecture",
      "resolveModel",
      "stages",
      "surveyModel",
      "tokenGrid",
      "vjepa2",
      "vjepa2Options",
    ]
  `);
});
