import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryScratch } from './memory-store.ts';
import { recordQueue } from './record-queue.ts';

const head = 4;
const lengthOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
/** A record of so many bytes behind its head, cut into pieces. */
function recordOf(
  value: number,
  size: number,
  cut: number,
): { pieces: Uint8Array[]; bytes: number; whole: Uint8Array } {
  const whole = new Uint8Array(head + size).fill(value);
  new DataView(whole.buffer).setUint32(0, whole.length, true);
  const at = Math.min(cut, whole.length);
  return { pieces: [whole.slice(0, at), whole.slice(at)], bytes: whole.length, whole };
}

test('gives back in order what it was given, of any size and whenever it is asked, and begins anew', async () => {
  const sizes = fc.oneof(fc.nat(40), fc.integer({ min: 20_000, max: 90_000 }));
  const steps = fc.array(
    fc.oneof(
      fc.record({ value: fc.nat(255), size: sizes, cut: fc.nat(100) }),
      fc.constant('shift' as const),
      fc.constant('shift' as const),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const scratch = memoryScratch();
      const queue = recordQueue(async () => scratch, head, lengthOf);
      const waiting: Uint8Array[] = [];
      const shift = async (): Promise<void> => {
        expect(Buffer.from(await queue.shift()).equals(waiting.shift()!)).toBe(true);
        if (waiting.length === 0) expect(scratch.length).toBe(0);
      };
      for (const step of all) {
        if (step !== 'shift') {
          const { pieces, bytes, whole } = recordOf(step.value, step.size, step.cut);
          await queue.push(pieces, bytes);
          // Whoever gave them may use their memory again.
          for (const piece of pieces) piece.fill(0);
          waiting.push(whole);
        } else if (waiting.length > 0) await shift();
        expect(queue.length).toBe(waiting.length);
      }
      while (waiting.length > 0) await shift();
      await expect(queue.shift()).rejects.toThrow('no record waits');
    }),
  );
});

test('needs no scratch for few bytes, and passes on what it throws', async () => {
  const queue = recordQueue(() => Promise.reject(new Error('no room')), head, lengthOf);
  const { pieces, bytes, whole } = recordOf(7, 100, 3);
  await queue.push(pieces, bytes);
  expect(await queue.shift()).toEqual(whole);
  await expect(queue.push([new Uint8Array(100_000)], 100_000)).rejects.toThrow('no room');
});
