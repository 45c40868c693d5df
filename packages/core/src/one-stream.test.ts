import { expect, test } from 'vitest';
import { oneStream, totalCount } from './one-stream.ts';
import { spec, type StreamSpec } from './specs.ts';

const tokens = (more: Partial<StreamSpec> = {}, sizes: Record<string, number | null> = {}): StreamSpec => ({
  ...spec('tokens', { time: 8, height: 24, width: 24, channels: 64, ...sizes }, 'float32', 3),
  ...more,
});
const inputs = (...specs: StreamSpec[]) => specs.map((each, index) => ({ id: 'abc'[index]!, spec: each }));

test('one input is what it is, none is none', () => {
  const one = tokens({ sequences: ['north'] });
  expect(oneStream(inputs(one))).toBe(one);
  expect(oneStream([])).toBeUndefined();
});

test('several that agree: sizes they share, counts and sequences together', () => {
  const north = tokens({ sequences: ['north'] });
  const south = tokens({ sequences: ['south'], count: 4 }, { height: 12 });
  expect(oneStream(inputs(north, south))).toEqual({
    ...spec('tokens', { time: 8, height: null, width: 24, channels: 64 }, 'float32', 7),
    sequences: ['north', 'south'],
    counts: [3, 4],
  });
  expect(totalCount(inputs(north, tokens({ count: null })))).toBeNull();
  expect(oneStream(inputs(north, tokens({ sequences: null, count: null })))).toMatchObject({
    sequences: null,
    count: null,
  });
});

test('axes that are not known yet may be anything', () => {
  expect(oneStream(inputs(tokens(), tokens({ axes: [] })))).toMatchObject({ axes: [] });
  expect(oneStream(inputs(tokens(), tokens({}, { channels: null })))).toMatchObject({
    axes: [{}, {}, {}, { name: 'channels', size: null }],
  });
});

test.each([
  ['kinds', tokens({ kind: 'embedding' }), 'they are of different kinds (tokens and embedding)'],
  [
    'axes',
    spec('tokens', { token: 9, channels: 64 }, 'float32'),
    'their axes differ ([time, height, width, channels] and [token, channels])',
  ],
  ['channels', tokens({}, { channels: 32 }), 'channels differs (64 and 32)'],
  ['types', tokens({ dtype: 'float16' }), 'their types differ (float32 and float16)'],
])('refuses different %s', (_, other, reason) => {
  expect(oneStream(inputs(tokens(), other))).toEqual({
    refused: `a and b cannot be taken together: ${reason}.`,
    remedy: 'Give each a stage of its own.',
  });
});

test('refuses a sequence that comes twice', () => {
  const same = tokens({ sequences: ['north'] });
  expect(oneStream(inputs(same, same))).toMatchObject({ refused: 'a and b both send the sequence "north".' });
});
