import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore } from './memory-store.ts';
import { scratchPieces } from './scratch-pieces.ts';

test('what was put aside comes whole, in its order, in memory that is used again', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(5), fc.constant(1 << 20), fc.nat(3 << 20)), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(sizes, async (lengths) => {
      const scratch = await memoryStore().scratch('a');
      const parts = lengths.map((length, part) => Uint8Array.from({ length }, (_, i) => i * 31 + part));
      for (const part of parts) await scratch.append(part);
      const copies: Uint8Array[] = [];
      const memories = new Set<ArrayBufferLike>();
      for await (const piece of scratchPieces(scratch, scratch.length)) {
        copies.push(piece.slice());
        memories.add(piece.buffer);
      }
      expect(Buffer.compare(Buffer.concat(copies), Buffer.concat(parts))).toBe(0);
      expect(memories.size).toBeLessThanOrEqual(1);
    }),
    { numRuns: 20 },
  );
  expect.hasAssertions();
});
