import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { placeInCache } from './weights-input.ts';

afterEach(() => vi.unstubAllEnvs());

test('files of caches have a place that is the same on every machine, others have none', () => {
  vi.stubEnv('DEEPEARTH_CACHE', '/somewhere/cache');
  vi.stubEnv('HF_HUB_CACHE', '/else/hub');
  expect(placeInCache(join('/somewhere/cache', 'builtin', 'a', 'model.safetensors'))).toBe(
    '$DEEPEARTH_CACHE/builtin/a/model.safetensors',
  );
  expect(placeInCache(join('/else/hub', 'models--a--b', 'snapshots', 'c', 'config.json'))).toBe(
    '$HF_HUB_CACHE/models--a--b/snapshots/c/config.json',
  );
  expect(placeInCache('/somewhere/cache-not/model.safetensors')).toBeUndefined();
  expect(placeInCache('models/vitg/model.safetensors')).toBeUndefined();
});
