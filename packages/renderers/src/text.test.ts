import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, charactersIn, line, shortened } from './text.ts';

const lengthOf = (text: string): number => Array.from(text).length;

test('text that is too long loses its middle, and the ending of a file name stays', () => {
  expect(shortened('frame_000616.tif', 16)).toBe('frame_000616.tif');
  expect(shortened('frame_000616.tif', 11)).toBe('frame…6.tif');
  expect(shortened('frame_000616.tif', 6)).toBe('f….tif');
  expect(shortened('frame_000616.geojson', 6)).toBe('fr…son');
  expect(shortened('frame', 1)).toBe('…');
  expect(shortened('frame', 0)).toBe('');
});

test('it is never longer than asked, begins and ends as the text does, and is the text where that fits', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '東', '🌍'), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 70 }), (whole, most) => {
      const short = shortened(whole, most);
      if (lengthOf(whole) <= most) return short === whole;
      const [head, tail] = short.split('…') as [string, string];
      return lengthOf(short) === most && whole.startsWith(head) && whole.endsWith(tail);
    }),
  );
});

const texts = (...all: [text: string, room: number][]) => all.map(([text, room]) => ({ text, room }));

test('of several texts that one is shortened which is furthest beyond its room', () => {
  const caption = texts(['#616', 7], ['2024-02-22T10:15:00Z', 20], ['camera_north_000616.tif', 12]);
  expect(line(caption, 51)).toBe('#616  2024-02-22T10:15:00Z  camera_north_000616.tif');
  expect(line(caption, 41)).toBe('#616  2024-02-22T10:15:00Z  camera…16.tif');
  expect(line(texts(['abc', 2], ['abc', 2]), 7)).toBe('abc  …c');
});

test('a line is never longer than it may be, and a text within its room is whole where all rooms fit', () => {
  const parts = fc.array(fc.record({ text: fc.string({ maxLength: 40 }), room: fc.integer({ min: 1, max: 30 }) }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 120 }), (all, most) => {
      const made = line(all, most);
      const whole = all.map(({ text }) => text).join('  ');
      if (whole.length <= most) return made === whole;
      const roomy = all.reduce((sum, { room }) => sum + room, 2 * (all.length - 1)) <= most;
      return (
        lengthOf(made) <= most && (!roomy || all.every(({ text, room }) => text.length > room || made.includes(text)))
      );
    }),
  );
});

test('as many characters stand in some columns as fit, the space behind the last one not counted', () => {
  expect([0, 4, 5, 10, 11, 16, 17].map(charactersIn)).toEqual([0, 0, 1, 1, 2, 2, 3]);
  expect(charactersIn(-3)).toBe(0);
  expect(advance).toBe(6);
});
