// The encoder stage while its processes are killed: the same tokens, in the same order, or the clip by its name.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenGrid } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { given, makeClips } from '@deepearth/testing';
import { seededRandom } from '@deepearth/testing/random';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vjepa2 } from './vjepa2.ts';

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** Processes of sessions that this process has started. */
const sessions = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('session-child');
      } catch {
        return false;
      }
    });

async function encode(options: object, each: (seen: number) => void = () => undefined): Promise<TokenGrid[]> {
  const items: TokenGrid[] = [];
  for await (const item of runStage(vjepa2, {
    options: { cropSize: 32, threads: 1, ...options },
    inputs: [given(makeClips(8, { time: 2, width: 48, height: 40 }))],
  })) {
    items.push(item as TokenGrid);
    each(items.length);
  }
  return items;
}

const random = seededRandom(7);
const linux = process.platform === 'linux';
describe.skipIf(!linux)(`processes that are killed${linux ? '' : ' (skipped: they are found in /proc)'}`, () => {
  test('two devices, both killed on the way, give the tokens of one, in order', async () => {
    const expected = await encode({ device: 'cpu' });
    let kills = 0;
    const made = await encode({ device: ['cpu', 'cpu'] }, (seen) => {
      if (seen !== 2 && seen !== 5) return;
      for (const pid of sessions())
        setTimeout(() => {
          try {
            process.kill(pid, 'SIGKILL');
            kills++;
          } catch {
            // It has ended already.
          }
        }, random() * 4);
    });
    expect(kills).toBeGreaterThan(0);
    expect(made.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    made.forEach(({ key, values }, i) => {
      expect(key).toBe(expected[i]!.key);
      expect(values).toEqual(expected[i]!.values);
    });
    expect(sessions()).toEqual([]);
  });

  test('where every process dies, the error names the clip, the device and the signal', async () => {
    const timer = setInterval(() => {
      for (const pid of sessions())
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
    }, 5);
    try {
      await expect(encode({ device: 'cpu' })).rejects.toThrow(
        /clip[^:]*: device cpu failed 3 times with the same input: the model's process was killed by SIGKILL/,
      );
    } finally {
      clearInterval(timer);
    }
  });
});
