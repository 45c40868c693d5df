import { expect, test } from 'vitest';
import * as index from './index.ts';

test('exports these names', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "attention",
      "cacheFolder",
      "checkModel",
      "closeModel",
      "compareTokens",
      "countEncoder",
      "cutPatches",
      "deviceKinds",
      "encodeFrames",
      "encodeStream",
      "encoderFingerprint",
      "encoderOptions",
      "estimate",
      "familyOf",
      "fetchFromHub",
      "fetchModel",
      "findPublished",
      "formatCheck",
      "graphParts",
      "headsShape",
      "joined",
      "listModels",
      "microsoft",
      "modelInfo",
      "namesOf",
      "openCheckpoint",
      "openEncoder",
      "openModel",
      "openSession",
      "parseDevice",
      "parseHubName",
      "placeWeights",
      "precisions",
      "readArchitecture",
      "rememberedDigest",
      "renderModelInfo",
      "renderModels",
      "resolveModel",
      "surveyModel",
    ]
  `);
});
