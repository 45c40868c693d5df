import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { lineage, lineageOf } from './lineage.ts';
import { spec } from './specs.ts';
import { stageKey } from './stage-key.ts';
import { defineTransform } from './stage.ts';

const definition = defineTransform({
  type: 'given',
  summary: 'Nothing.',
  options: z.strictObject({ value: z.number().default(1) }),
  examples: [],
  describe: () => ({ output: spec('thing', {}, null) }),
  each: (item) => item,
});
const keyOf = stageKey({ definition, options: { value: 1 } });

test('a key is the same whether its parts come one by one or in lists', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.array(fc.string()))), (parts) => {
      expect(keyOf(...parts)).toBe(keyOf(...parts.flat()));
      expect(lineageOf(parts)).toBe(lineage(...parts));
    }),
  );
});

test('a run of two hundred thousand clips has a key', () => {
  const keys = Array.from({ length: 200_000 }, (_, index) => lineage(index));
  expect(keyOf('first', keys)).toMatch(/^[0-9a-f]{32}$/);
  expect(keyOf('first', keys)).not.toBe(keyOf('first', keys.slice(1)));
});
