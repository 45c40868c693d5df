// Trials of an imitated device: its clock is set by what a call takes.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { batchTrial, largestBatch } from './batch-trial.ts';

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'deepearth-trial-'));
  process.env['DEEPEARTH_CACHE'] = cache;
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

interface Device {
  /** Seconds of a call. */
  seconds(batch: number): number;
  /** More do not fit. */
  room?: number;
  most?: number;
  name?: string;
  code?: string;
}

async function trial({ seconds, room = Infinity, most = Infinity, name = 'cuda:0', code = 'E_ONNX_RUNTIME' }: Device) {
  let now = 0;
  const calls: number[] = [];
  const said: string[] = [];
  let restarts = 0;
  const batch = await batchTrial({
    device: name,
    fingerprint: 'f',
    pixels: tensor('float32', [1, 2, 3, 2, 2], new Float32Array(24).fill(3)),
    most,
    async run({ shape, data }) {
      expect(data).toEqual(new Float32Array(24 * shape[0]!).fill(3));
      calls.push(shape[0]!);
      if (shape[0]! > room) throw new DeepEarthError('CUDA out of memory', { code });
      now += 1000 * seconds(shape[0]!);
    },
    restart: async () => void restarts++,
    log: (message) => said.push(message),
    clock: () => now,
  });
  return { batch, calls, said, restarts };
}

test('the batch grows while that pays: not where two take twice as long, to the end where a call always takes the same', async () => {
  expect(await trial({ seconds: (batch) => batch })).toMatchObject({ batch: 1, calls: [1, 1, 2, 2] });
  const flat = await trial({ seconds: () => 0.1, name: 'cuda:1' });
  expect(flat).toMatchObject({ batch: largestBatch, restarts: 0 });
  expect(flat.said).toEqual([
    'cuda:1: 16 in one call, by trial (sequences a second with 1: 10.0, 2: 20.0, 4: 40.0, 8: 80.0, 16: 160).',
  ]);
  // Four are full: 4 take 0.4 s, 8 take 0.8 s.
  expect(await trial({ seconds: (n) => Math.max(0.4, n / 10), name: 'cuda:2' })).toMatchObject({ batch: 4 });
});

test.each(['E_ONNX_RUNTIME', 'E_SESSION_ENDED'])(
  'what does not fit ends the trial, and its process: %s',
  async (code) => {
    const { batch, restarts, said } = await trial({ seconds: () => 0.1, room: 5, code });
    expect({ batch, restarts }).toEqual({ batch: 4, restarts: 1 });
    expect(said[0]).toContain('8: no room');
  },
);

test('what was found is remembered, of each device and no longer than the run; a trial cut short is not', async () => {
  expect(await trial({ seconds: () => 0.1, most: 5 })).toMatchObject({ batch: 4 });
  expect(readdirSync(cache)).toEqual([]);
  expect(await trial({ seconds: () => 0.1, room: 9 })).toMatchObject({ batch: 8 });
  expect(await trial({ seconds: () => 0.1 })).toEqual({ batch: 8, calls: [], said: [], restarts: 0 });
  expect(await trial({ seconds: () => 0.1, most: 3 })).toMatchObject({ batch: 3, calls: [] });
  expect((await trial({ seconds: (n) => n, name: 'cuda:1' })).calls.length).toBeGreaterThan(0);
});

test('a slow device, and one on which one alone fails, get one', async () => {
  expect(await trial({ seconds: () => 20 })).toMatchObject({ batch: 1, calls: [1] });
  expect(await trial({ seconds: () => 6 })).toMatchObject({ batch: 1, calls: [1, 1] });
  expect(await trial({ seconds: () => 1, room: 0, name: 'cuda:3' })).toMatchObject({ batch: 1, calls: [1] });
});

test('another failure of more than one is thrown', () =>
  expect(trial({ seconds: () => 0.1, room: 1, code: 'E_OTHER' })).rejects.toThrow('out of memory'));
