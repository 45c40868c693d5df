import { expect, test } from 'vitest';
import { isIn, queryOf, tokensOfPick, type Pick } from './picks.ts';

const code = {
  bytes: 2,
  components: 2,
  channels: 2,
  scales: [0.01, 0.01],
  overlap: null,
  colors: { center: [0, 0], directions: [], limits: [] },
};
const clips = [
  {
    sequence: 0,
    frames: [0],
    grid: [1, 2, 2] as const,
    geometry: { frameWidth: 2, frameHeight: 2, x: 0, y: 0, width: 2, height: 2 },
    chunk: 0,
    offset: 0,
  },
];
const tokens = async () => Int8Array.from([100, 0, 0, 100, 0, 50, 0, 0]);
const pick = (row: number, column: number, more: Partial<Pick> = {}): Pick => ({
  sign: 1,
  clip: 0,
  step: 0,
  top: row,
  bottom: row,
  left: column,
  right: column,
  ...more,
});
const query = async (...picks: Pick[]) => {
  const vector = await queryOf({ code, clips }, picks, tokens);
  return vector && [...vector].map((value) => Math.round(value * 1000) / 1000);
};

test('one token is looked for at length 1', async () => {
  expect(await query(pick(0, 0))).toEqual([1, 0]);
  expect(await query(pick(1, 0))).toEqual([0, 1]);
});

test('several are looked for in the direction between them, and so are the tokens of a region', async () => {
  expect(await query(pick(0, 0), pick(0, 1))).toEqual([0.707, 0.707]);
  expect(await query(pick(0, 0, { right: 1 }))).toEqual([0.707, 0.707]);
});

test('what is not looked for is taken off', async () => {
  expect(await query(pick(0, 0), pick(0, 1, { sign: -1 }))).toEqual([1, -1]);
  expect(await query(pick(0, 1, { sign: -1 }))).toEqual([0, -1]);
});

test('a token that saw no data is no query', async () => {
  expect(await query(pick(1, 1))).toBeUndefined();
  expect(await query(pick(1, 1), pick(0, 0))).toEqual([1, 0]);
  expect(await query()).toBeUndefined();
});

test('a pick of tokens that are not there is told apart', () => {
  expect(isIn(pick(1, 1), { clips })).toBe(true);
  for (const wrong of [
    pick(2, 0),
    pick(0, 2),
    pick(0, 0, { step: 1 }),
    pick(0, 0, { clip: 1 }),
    pick(1, 0, { bottom: 0 }),
  ])
    expect(isIn(wrong, { clips })).toBe(false);
  expect([...tokensOfPick(pick(0, 1, { bottom: 1 }), [1, 2, 2])]).toEqual([1, 3]);
});
