import { sha256, type Frame } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import { describe, expect, test } from 'vitest';
import { noiseTile, sampleNoise } from './noise.ts';
import { synthetic } from './synthetic.ts';
import { weather } from './weather.ts';

describeStage(synthetic, {
  options: { count: 5, width: 48, height: 32 },
  otherOptions: { count: 5, width: 48, height: 32, seed: 8 },
});

async function made(options: object): Promise<Frame[]> {
  const found: Frame[] = [];
  for await (const frame of runStage(synthetic, { options })) found.push(frame);
  return found;
}

describe('weather', () => {
  test('has the same bytes on every machine', () => {
    // Set once from the code itself: changes only when pictures are meant to change, and `version` in synthetic.ts with
    // them.
    expect(sha256(weather({ width: 64, height: 48, seed: 7 }).draw(5).data)).toBe(
      'faaf5dd6d553a440191f99a93d55f2967a8afc1cfbbedd4d15ad2380aa90b1c6',
    );
  });

  test('can be drawn in any order', () => {
    const forward = weather({ width: 40, height: 40, seed: 3 });
    const at9 = forward.draw(9).data;
    forward.draw(2);
    expect(forward.draw(9).data).toEqual(at9);
    expect(weather({ width: 40, height: 40, seed: 3 }).draw(9).data).toEqual(at9);
  });

  test('changes a little from frame to frame and much in the long run, without jumps where clouds are replaced', () => {
    const world = weather({ width: 96, height: 96, seed: 5 });
    const distance = (a: Uint8Array, b: Uint8Array): number =>
      a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length;
    const steps: number[] = [];
    let before = world.draw(40).data;
    for (let time = 41; time < 54; time++) {
      const now = world.draw(time).data;
      steps.push(distance(before, now));
      before = now;
    }
    expect(Math.min(...steps)).toBeGreaterThan(0.3);
    expect(Math.max(...steps)).toBeLessThan(3 * Math.min(...steps));
    expect(distance(world.draw(0).data, world.draw(60).data)).toBeGreaterThan(5 * Math.max(...steps) * 0.5);
  });

  test('has dark sea, green or brown land and white clouds', () => {
    const { data } = weather({ width: 192, height: 192, seed: 7 }).draw(10);
    const count = { blue: 0, land: 0, white: 0 };
    for (let i = 0; i < data.length; i += 3) {
      const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
      if (r > 180 && g > 180 && b > 180) count.white++;
      else if (b > r + 30) count.blue++;
      else if (Math.max(r, g) > b + 12) count.land++;
    }
    for (const share of Object.values(count)) expect(share / (192 * 192)).toBeGreaterThan(0.05);
  });

  test('another seed is another world', () => {
    expect(weather({ width: 32, height: 32, seed: 1 }).draw(0).data).not.toEqual(
      weather({ width: 32, height: 32, seed: 2 }).draw(0).data,
    );
  });
});

describe('frames', () => {
  test('with the same number show the same moment, wherever the sequence starts', async () => {
    const [, , third] = await made({ count: 3, width: 32, height: 32 });
    const [same] = await made({ count: 1, width: 32, height: 32, first: 2 });
    expect(same!.key).toBe(third!.key);
    expect((await same!.read()).values).toEqual((await third!.read()).values);
  });

  test('stand still at speed 0', async () => {
    const [a, b] = await made({ count: 2, width: 32, height: 32, speed: 0 });
    expect((await a!.read()).values.data).toEqual((await b!.read()).values.data);
  });
});

describe('noise', () => {
  const tile = noiseTile(9, 64, 4, 4);

  test('is seamless', () => {
    for (const at of [0.1, 0.37, 0.99]) {
      expect(sampleNoise(tile, at + 1, at)).toBeCloseTo(sampleNoise(tile, at, at), 5);
      expect(sampleNoise(tile, at, at - 3)).toBeCloseTo(sampleNoise(tile, at, at), 5);
    }
  });

  test('stays between 0 and 1 around one half', () => {
    const { values } = tile;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(0.5, 0);
  });
});
