import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Pick } from './picks.ts';
import { fromHash, toHash, type UrlState } from './url-state.ts';

const usual: UrlState = {
  sequence: 0,
  frame: 0,
  picks: [],
  layer: 'colors',
  opacity: 0.6,
  colorMap: 'inferno',
  clusters: 8,
  view: 'frames',
};

const picks = fc
  .record({
    sign: fc.constantFrom(1 as const, -1 as const),
    clip: fc.nat(9999),
    step: fc.nat(64),
    top: fc.nat(64),
    left: fc.nat(64),
    down: fc.nat(9),
    across: fc.nat(9),
  })
  .map(({ down, across, ...pick }): Pick => ({ ...pick, bottom: pick.top + down, right: pick.left + across }));

test('an address gives back what it was made of', () => {
  fc.assert(
    fc.property(
      fc.record({
        sequence: fc.nat(9999),
        frame: fc.nat(999_999),
        picks: fc.array(picks, { maxLength: 6 }),
        layer: fc.string({ unit: 'grapheme', minLength: 1 }),
        opacity: fc.nat(100).map((percent) => percent / 100),
        colorMap: fc.constantFrom('inferno', 'viridis'),
        clusters: fc.integer({ min: 2, max: 24 }),
        view: fc.constantFrom('frames', 'map', 'run'),
      }),
      (state) => {
        const ordered = [...state.picks].sort((a, b) => b.sign - a.sign);
        expect(fromHash(`#${toHash(state, usual)}`, usual)).toEqual({ ...state, picks: ordered });
      },
    ),
  );
});

test('what is usual makes an empty address', () => {
  expect(toHash(usual, usual)).toBe('');
  expect(fromHash('', usual)).toEqual(usual);
});

test('what is wrong in an address is as usual', () => {
  fc.assert(
    fc.property(fc.string(), (hash) => {
      const state = fromHash(hash, usual);
      for (const pick of state.picks)
        for (const value of Object.values(pick).slice(1)) expect(Number.isInteger(value) && value >= 0).toBe(true);
    }),
  );
  expect(fromHash('#s=-1&f=x&p=1.2.3,1.2.3.4.5,a.b.c.d,1.2.3.4&layer=%E0%A4&opacity=900&k=', usual)).toEqual({
    ...usual,
    picks: [{ sign: 1, clip: 1, step: 2, top: 3, left: 4, bottom: 3, right: 4 }],
    opacity: 1,
  });
});
