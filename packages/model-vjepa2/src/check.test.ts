// The encoder returns what PyTorch returned, for every kind of checkpoint and every precision.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkModel, formatCheck, type CheckOptions } from '@deepearth/onnx/check';
import { vjepa2Family } from './family.ts';
import { precisions } from '@deepearth/onnx/precision';

const check = (folder: string, options?: CheckOptions) => checkModel(vjepa2Family, folder, options);
const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const references = fileURLToPath(new URL('../../../../shared/reference/vjepa2/', import.meta.url));

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

describe.each(precisions)('%s', (precision) => {
  test.each(['v2', 'v21'])('the fixture %s agrees', async (name) => {
    const report = await check(join(fixtures, name), { precision });
    expect(report.cases).toHaveLength(4);
    expect(report.passed, formatCheck(report)).toBe(true);
  });
});

const folders = existsSync(references)
  ? readdirSync(references, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  : [];

describe.skipIf(folders.length === 0)('the reference checkpoints (skipped where their folder is absent)', () => {
  const cases = folders.flatMap((name) =>
    [undefined, ...(existsSync(join(references, name, 'original.pt')) ? ['original.pt'] : [])].map((weights) => ({
      name,
      weights,
    })),
  );
  test.each(cases)('$name $weights agrees to 1e-5', async ({ name, weights }) => {
    const report = await check(join(references, name), { weights });
    expect(report.passed, formatCheck(report)).toBe(true);
  });
  test.each(['v2-hd80', 'v21-hd64'])('%s agrees in fp16 and int8', async (name) => {
    for (const precision of ['fp16', 'int8'] as const) {
      const report = await check(join(references, name), { precision });
      expect(report.passed, formatCheck(report)).toBe(true);
    }
  });
});

test('a tolerance that is not met fails and shows in the text', async () => {
  const report = await check(join(fixtures, 'v2'), { tolerance: 1e-12 });
  expect(report.passed).toBe(false);
  expect(formatCheck(report)).toMatch(/FAIL last_hidden_state .*4 of 4 differ/s);
});

test('a folder without references says which file is missing', async () => {
  await expect(check(fixtures)).rejects.toThrow(/input\.safetensors: there is no such file/);
});
