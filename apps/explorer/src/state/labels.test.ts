import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { expect, test } from 'vitest';
import { placed } from '../bundle/bundle.ts';
import { fitLabels, labelColors, labelsFile, labelsOf, uncertain, type Labels } from './labels.ts';

const code = {
  bytes: 2,
  components: 2,
  channels: 2,
  scales: [0.01, 0.01],
  overlap: null,
  colors: { center: [0.5, 0.5], directions: [], limits: [] },
};
const clip = (sequence: number) => ({
  sequence,
  frames: [0, 1],
  grid: [1, 2, 2] as const,
  geometry: { frameWidth: 2, frameHeight: 2, x: 0, y: 0, width: 2, height: 2 },
  chunk: 0,
  offset: 0,
});
const bundle = placed(
  {
    code,
    encoder: { name: 'made', fingerprint: 'x' },
    sequences: [
      { name: 'north', numbers: [7, 8] },
      { name: 'south', numbers: [1, 2] },
    ],
    clips: [clip(0), clip(1)],
  } as unknown as BundleIndex,
  '',
);
/** One of each kind, one between, one without data. */
const tokens = Int8Array.from([100, 0, 0, 100, 50, 51, 0, 0]);
const labels: Labels = {
  names: ['sea', 'land'],
  marks: [
    { label: 0, clip: 0, step: 0, row: 0, column: 0 },
    { label: 1, clip: 1, step: 0, row: 0, column: 1 },
  ],
};

test('marks colour all tokens, faint where they say little', async () => {
  const model = (await fitLabels(bundle, labels, async () => tokens))!;
  const colors = labelColors(code, tokens, model);
  const alpha = [0, 1, 2, 3].map((token) => colors[token * 4 + 3]!);
  expect(colors.subarray(0, 3)).not.toEqual(colors.subarray(4, 7));
  expect(alpha[0]).toBeGreaterThan(120);
  expect(alpha[2]).toBeLessThan(70);
  expect(alpha[3]).toBe(0);
});

test('one label alone makes no model', async () => {
  const one = { ...labels, marks: labels.marks.slice(0, 1) };
  expect(await fitLabels(bundle, one, async () => tokens)).toBeUndefined();
});

test('the least certain token comes up first, and of one step no two', async () => {
  const model = (await fitLabels(bundle, labels, async () => tokens))!;
  const sample = {
    tokens: Int8Array.from([...tokens, 60, 40]),
    steps: Uint32Array.of(0, 0, 0, 0, 1),
    cells: Uint32Array.of(0, 1, 2, 3, 3),
  };
  expect(uncertain(bundle, sample, model, 9)).toEqual([
    { clip: 0, step: 0, row: 1, column: 0, score: expect.any(Number) },
    { clip: 1, step: 0, row: 1, column: 1, score: expect.any(Number) },
  ]);
});

test('a file gives back what was marked, and counts what it does not find', () => {
  const text = labelsFile(bundle, labels);
  expect(JSON.parse(text)).toMatchObject({
    labels: ['sea', 'land'],
    marks: [{ label: 'sea', sequence: 'north', frame: 7 }, {}],
  });
  expect(labelsOf(bundle, text)).toEqual({ ...labels, strangers: 0 });
  const other = text.replace('"south"', '"west"').replace('"row": 0', '"row": 2');
  expect(labelsOf(bundle, other)).toEqual({ names: ['sea', 'land'], marks: [], strangers: 2 });
  for (const wrong of ['{}', '[]', 'null', '{"format":2,"labels":[],"marks":[]}', 'x'])
    expect(() => labelsOf(bundle, wrong)).toThrow();
});
