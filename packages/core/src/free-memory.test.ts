import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freeMemory } from './free-memory.ts';

test('what was given is taken once, by its size, and no more waits than is allowed', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 4 }), give: fc.boolean() })), (steps) => {
      const most = 6;
      const free = freeMemory<ArrayBuffer>(most);
      let waiting: ArrayBuffer[] = [];
      const held = (): number => waiting.reduce((sum, { byteLength }) => sum + byteLength, 0);
      for (const { bytes, give } of steps) {
        if (give) {
          const memory = new ArrayBuffer(bytes);
          free.give(memory);
          waiting.push(memory);
          while (held() > most) waiting.shift();
        } else {
          const expected = waiting.find(({ byteLength }) => byteLength === bytes);
          expect(free.take(bytes)).toBe(expected);
          waiting = waiting.filter((memory) => memory !== expected);
        }
      }
      free.clear();
      for (const { byteLength } of waiting) expect(free.take(byteLength)).toBe(undefined);
    }),
  );
});
