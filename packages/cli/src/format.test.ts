import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fit,
  formatBytes,
  formatNumber,
  formatSeconds,
  formatTable,
  formatWholeSeconds,
  plural,
  textWidth,
  wrap,
} from './format.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 KB'],
    [999_499, '999 KB'],
    [999_500, '1.00 MB'],
    [41_472_000, '41.5 MB'],
    [4.1e9, '4.10 GB'],
    [2e15, '2000 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [0, '0.00 s'],
    [0.994, '0.99 s'],
    [1, '1.0 s'],
    [9.96, '10 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
  ])('%d seconds that are left are %s', (seconds, text) => expect(formatWholeSeconds(seconds)).toBe(text));
  it.each([
    [0, '0'],
    [0.42, '0.42'],
    [9.5, '9.5'],
    [12.3, '12'],
    [12_300, '12,300'],
    [1_012_173_952, '1,012,173,952'],
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));
  it('says one and many', () =>
    expect([plural(1, 'file'), plural(2, 'file'), plural(2, 'entry', 'entries')]).toEqual([
      '1 file',
      '2 files',
      '2 entries',
    ]));
});

describe('text on a terminal', () => {
  it('does not count colours, and counts wide characters twice', () =>
    expect([textWidth('\u001b[31mred\u001b[39m'), textWidth('山a')]).toEqual([3, 3]));
  it('cuts to the width whatever the text, colours included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', '山', '\u001b[31m', '\u001b[39m', 'ü', '🌍'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (parts, width) => textWidth(fit(parts.join(''), width)) <= width,
      ),
    );
  });
  it('lines columns up and leaves no blanks at the end', () =>
    expect(
      formatTable(
        [{ title: 'a' }, { title: 'n', align: 'right' }, { title: 'x' }],
        [
          ['long', '1', ''],
          ['b', '100', 'y'],
        ],
      ),
    ).toBe('a       n  x\nlong    1\nb     100  y'));
  it('breaks between words', () => expect(wrap('one two three', 8)).toEqual(['one two', 'three']));
});
