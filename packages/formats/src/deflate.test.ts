import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect } from './bytes.ts';
import { deflateRaw } from './deflate.ts';

/** Chunks that all lie in the same memory, as those that `textBytes` makes. */
async function* inOnePlace(chunks: readonly Uint8Array[], left: { value: boolean }): AsyncGenerator<Uint8Array> {
  const room = new Uint8Array(Math.max(1, ...chunks.map(({ length }) => length)));
  try {
    for (const chunk of chunks) {
      room.fill(255);
      room.set(chunk);
      yield room.subarray(0, chunk.length);
    }
  } finally {
    left.value = true;
    room.fill(255);
  }
}

const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);

describe('deflating', () => {
  test('gives the same bytes however the content is cut, also of chunks that lie in one place', async () => {
    const content = Buffer.concat([noise(100_000), Buffer.alloc(300_000, 'frame_000123.png, ')]);
    const whole = deflateRawSync(content);
    const cuts = fc.array(fc.integer({ min: 1, max: content.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const ends = [...places.sort((a, b) => a - b), content.length];
        const chunks = ends.map((end, index) => content.subarray(ends[index - 1] ?? 0, end));
        const deflated = await collect(deflateRaw(inOnePlace(chunks, { value: false })));
        expect(Buffer.from(deflated).equals(whole)).toBe(true);
        expect(inflateRawSync(deflated).equals(content)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('leaves its source when it is left early, and passes on what that throws', async () => {
    const left = { value: false };
    for await (const piece of deflateRaw(
      inOnePlace(
        Array.from({ length: 50 }, () => noise(100_000)),
        left,
      ),
    )) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(left.value).toBe(true);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield noise(200_000);
      throw new RangeError('too few bytes');
    };
    await expect(collect(deflateRaw(broken()))).rejects.toThrow(new RangeError('too few bytes'));
    expect(inflateRawSync(await collect(deflateRaw([]))).length).toBe(0);
  });
});
