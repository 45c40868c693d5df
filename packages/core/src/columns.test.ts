import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberColumn, textColumn } from './columns.ts';

/** Texts that share their starts, with pairs of surrogates in and at the end of them. */
const texts = fc.array(
  fc.option(
    fc.array(fc.constantFrom('scene/', 'frame_', '0', '1', '😀', '😁', '\uFEFF', 'é')).map((all) => all.join('')),
  ),
);

describe('a column', () => {
  test('of texts gives back what came in', () => {
    fc.assert(
      fc.property(texts, (values) => {
        const column = textColumn();
        for (const value of values) column.push(value);
        expect([column.length, [...column]]).toEqual([values.length, values]);
        expect(column.ends).toEqual(values.length ? [values[0], values.at(-1)] : undefined);
      }),
    );
  });

  test('of texts takes long ones, which share more than a byte can say', () => {
    const long = 'x'.repeat(100_000);
    const column = textColumn();
    for (const value of [long, `${long}y`, null, `${long}z`]) column.push(value);
    expect([...column]).toEqual([long, `${long}y`, null, `${long}z`]);
  });

  test('of numbers gives back what came in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.oneof(fc.double({ noNaN: true }), fc.nat(9), fc.maxSafeInteger()))),
        (values) => {
          const column = numberColumn();
          for (const value of values) column.push(value);
          expect([column.length, [...column]]).toEqual([values.length, values]);
          expect(column.ends).toEqual(values.length ? [values[0], values.at(-1)] : undefined);
        },
      ),
    );
  });
});
