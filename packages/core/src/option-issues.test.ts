import { expect, test } from 'vitest';
import { z } from 'zod';
import { optionIssues } from './option-issues.ts';

const schema = z.strictObject({
  crop: z.number().positive().multipleOf(16).optional(),
  sizes: z.array(z.number().positive()).optional(),
});
const told = (value: unknown): string[] =>
  optionIssues(schema.safeParse(value).error?.issues ?? [], value, schema, (key) => `no ${key}`).map(
    ({ path, message }) => `${path.join('.')} ${message}`,
  );

test('a value that is wrong is one mistake, whatever else is wrong with it', () => {
  expect(told({ crop: -3 })).toEqual(['crop must be more than 0, got -3.']);
  expect(told({ crop: 7 })).toHaveLength(1);
  expect(told({ crop: 32 })).toEqual([]);
});

test('several values and keys are several mistakes', () => {
  expect(told({ sizes: [-1, 2, 0], a: 1, b: 2 })).toHaveLength(4);
});
