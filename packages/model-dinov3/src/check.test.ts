// The encoders return what transformers returned, for every kind of checkpoint, size of picture and precision.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkModel, formatCheck } from '@deepearth/onnx/check';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { compareTokens } from '@deepearth/onnx/compare';
import { openEncoder } from '@deepearth/onnx/encoder';
import { precisions } from '@deepearth/onnx/precision';
import { tensor } from '@deepearth/core/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dinov3Family } from './family.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const references = fileURLToPath(new URL('../../../../shared/reference/dino/', import.meta.url));
const kinds = ['v3', 'v2', 'v2-registers'];

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

describe.each(precisions)('%s', (precision) => {
  test.each(kinds)('the fixture %s agrees', async (name) => {
    const report = await checkModel(dinov3Family, join(fixtures, name), { precision, threads: 1 });
    expect(report.cases).toHaveLength(2);
    expect(report.passed, formatCheck(report)).toBe(true);
  });
});

test.each(kinds)('%s: decomposed attention returns what the fused one does', async (name) => {
  const checkpoint = await openCheckpoint(dinov3Family, join(fixtures, name));
  const { patchSize } = checkpoint.architecture;
  const shape = [2, 3, 3 * patchSize, 5 * patchSize];
  const pixels = tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 12.9898)),
  );
  const encode = async (options: object) => {
    const encoder = await openEncoder(checkpoint, { threads: 1, ...options });
    const encoded = await encoder.encode(pixels).finally(() => encoder.close());
    return encoded.tokens;
  };
  const expected = await encode({});
  expect(compareTokens(await encode({ attention: 'decomposed' }), expected).relativeError).toBeLessThan(2e-6);
  await checkpoint.close();
});

const folders = existsSync(references)
  ? readdirSync(references, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  : [];

describe.skipIf(folders.length === 0)('the reference checkpoints (skipped where their folder is absent)', () => {
  test.each(folders)('%s agrees to 1e-5', async (name) => {
    const report = await checkModel(dinov3Family, join(references, name));
    expect(report.passed, formatCheck(report)).toBe(true);
  });
});
