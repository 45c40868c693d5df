import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame, TokenGrid } from '@deepearth/core';
import { spec } from '@deepearth/core';
import { runStage } from '@deepearth/runtime';
import { describeStage, given, makeClips } from '@deepearth/testing';
import { afterAll, expect, test } from 'vitest';
// @ts-expect-error A plugin is plain JavaScript.
import { readings, sensors } from './sensors.mjs';

const file = join(import.meta.dirname, 'readings.csv');
const folder = mkdtempSync(join(tmpdir(), 'sensors-test-'));
afterAll(() => rmSync(folder, { recursive: true }));
const broken = (change: (lines: string[]) => void): string => {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, 60);
  change(lines);
  const path = join(folder, 'broken.csv');
  writeFileSync(path, lines.join('\n'));
  return path;
};

describeStage(sensors, {
  options: { file },
  output: async (frames: readonly Frame[]) => {
    expect(frames).toHaveLength(48);
    expect(frames[2]!.seconds).toBe(7200);
    expect([...(await frames[0]!.read()).values.data.slice(0, 3)]).toEqual([7.95, 77.51, 4.45].map(Math.fround));
  },
  broken: { options: { file: 'nowhere.csv' }, says: /nowhere\.csv: cannot be read/ },
});

const clips = () => [
  { ...given(makeClips(5)), spec: spec('clip', { time: 4, height: 24, width: 32, channels: 3 }, 'uint8', 5) },
];
describeStage(readings, {
  inputs: clips,
  otherOptions: { scales: [1, 2, 3] },
  output: ([first]: readonly TokenGrid[]) => expect(first!.values.shape).toEqual([4, 24, 32, 3]),
});

test.each<[string, (lines: string[]) => void, RegExp]>([
  ['another header', (lines) => (lines[0] = 'time,place'), /begins with "time,place"/],
  ['a word among the numbers', (lines) => (lines[5] = '0,0,4,warm,1,2'), /broken\.csv:6: .* no reading/],
  ['a sensor that is not there', (lines) => (lines[5] = '0,9,4,1,1,2'), /broken\.csv:6/],
  ['a sensor without a reading', (lines) => lines.splice(5, 1), /no temperature of row 0, column 4 at 0 s/],
])('names the line for %s', async (_, change, says) => {
  const run = async (): Promise<void> => {
    for await (const _frame of runStage(sensors, { options: { file: broken(change) } }));
  };
  await expect(run()).rejects.toThrow(says);
});
