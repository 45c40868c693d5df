import { expect, test } from 'vitest';
import * as index from './index.ts';

test('exports these names', () => {
  expect(Object.keys(index).sort()).toMatchInlineSnapshot(`
    [
      "cacheFolder",
      "compareTokens",
      "deviceKinds",
      "fetchFromHub",
      "fetchModel",
      "openSession",
      "parseDevice",
      "parseHubName",
      "precisions",
      "rememberedDigest",
    ]
  `);
});
