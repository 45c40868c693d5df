// The built-in checkpoint in the cache is what it was written as, or is written again.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveModel } from '@deepearth/onnx/resolve-model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinName } from './builtin.ts';
import { vjepa2Family } from './family.ts';

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
const before = process.env['DEEPEARTH_CACHE'];
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => {
  if (before === undefined) delete process.env['DEEPEARTH_CACHE'];
  else process.env['DEEPEARTH_CACHE'] = before;
  rmSync(cache, { recursive: true, force: true });
});

test('an altered, shortened or missing file of the built-in checkpoint is made again', async () => {
  const { path } = await resolveModel([vjepa2Family], builtinName);
  const weights = join(path, 'model.safetensors');
  const good = readFileSync(weights);
  const bent = Uint8Array.from(good);
  bent[good.length >> 1]! ^= 1;
  for (const harm of [
    () => writeFileSync(weights, bent),
    () => truncateSync(weights, good.length >> 1),
    () => rmSync(weights),
    () => writeFileSync(join(path, 'config.json'), '{}'),
    () => writeFileSync(`${path}.sha256.json`, '{"model.safetensors":'),
    () => rmSync(`${path}.sha256.json`),
  ]) {
    harm();
    expect(await resolveModel([vjepa2Family], builtinName)).toMatchObject({ path });
    expect(readFileSync(weights).equals(good)).toBe(true);
    expect(JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'))).toMatchObject({ model_type: 'vjepa2' });
  }
});
