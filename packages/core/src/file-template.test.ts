import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileTemplate, fillTemplate, pathIn } from './file-template.ts';
import { assertSafePath } from './safe-path.ts';

const schema = fileTemplate(['layer', 'first', 'last', 'step']);

test('fills places with the digits that names have', () => {
  expect(
    fillTemplate('frames_<first>_<last>/<layer>_t<step>', { first: 0, last: 15, step: 3, layer: 'pca' }, 'x'),
  ).toBe('frames_0000_0015/pca_t3');
});

test('refuses a place that nothing is known of, naming it and the item', () => {
  expect(() => fillTemplate('t<step>', { layer: 'pca' }, 'pca-frame-000001')).toThrowError(
    /pca-frame-000001.*<step>.*"t<step>"/,
  );
});

test('an option knows its places, and what was meant', () => {
  expect(schema.safeParse('<layer>').success).toBe(true);
  expect(schema.safeParse('<layers>').error!.issues[0]!.message).toContain('did you mean <layer>?');
  expect(schema.safeParse('<number>').error!.issues[0]!.message).toContain('<layer>, <first>, <last>, <step>');
});

test('different numbers make different names, and every name is safe', () => {
  const number = fc.nat(2_000_000);
  const name = (first: number, sequence?: string): string =>
    pathIn('.', fillTemplate('f_<first>', { first }, 'x'), sequence);
  fc.assert(
    fc.property(number, number, fc.string({ maxLength: 8 }), (a, b, sequence) => {
      assertSafePath(name(a, sequence));
      expect(name(a) === name(b)).toBe(a === b);
    }),
  );
});
