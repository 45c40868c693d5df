import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { spareMemory } from './spare-memory.ts';

afterEach(() => void vi.useRealTimers());

test('what is lent has the size that was asked for, and is lent to nobody else before it is back', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ bytes: fc.constantFrom(0, 8, 16), back: fc.nat() })), (steps) => {
      const memory = spareMemory();
      const out = new Set<ArrayBuffer>();
      for (const { bytes, back } of steps) {
        const taken = memory.take(bytes);
        expect(taken.byteLength).toBe(bytes);
        expect(out).not.toContain(taken);
        out.add(taken);
        const given = [...out][back % (out.size + 1)];
        if (!given) continue;
        out.delete(given);
        // Twice, and something of others: neither is its business.
        for (const array of [given, given, new ArrayBuffer(8)]) memory.giveBack(new Uint8Array(array));
      }
    }),
  );
});

test('what is back is lent again, once', () => {
  const memory = spareMemory();
  const first = memory.take(8);
  for (const array of [first, first, new ArrayBuffer(8)]) memory.giveBack(new Float32Array(array));
  expect(memory.take(8)).toBe(first);
  expect(memory.take(8)).not.toBe(first);
});

test('what nobody asks for is let go after half a second', () => {
  vi.useFakeTimers();
  const memory = spareMemory();
  const first = memory.take(8);
  memory.giveBack(new Uint8Array(first));
  vi.advanceTimersByTime(499);
  expect(memory.take(8)).toBe(first);
  memory.giveBack(new Uint8Array(first));
  vi.advanceTimersByTime(501);
  expect(memory.take(8)).not.toBe(first);
});
