import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scores, wholeWeights, type Decoding } from '../bundle/vectors.ts';
import { tokenMemory, type TokenMemory } from './kernel.ts';

const { generated } = (await import(new URL('../../wasm/build.mjs', import.meta.url).href)) as {
  generated: () => Promise<string>;
};

test('the compiled kernel is what its source makes', async () => {
  expect(await readFile(new URL('./kernel.generated.ts', import.meta.url), 'utf8')).toBe(await generated());
});

/** Puts bytes into room of their own. */
function placed(memory: TokenMemory, bytes: Uint8Array): number {
  const at = memory.room(bytes.length);
  memory.put(at, bytes);
  return at;
}

/** A code of so many components and bytes that refine them, some tokens, and a vector to look for. */
const searches = fc
  .record({ components: fc.integer({ min: 1, max: 40 }), fine: fc.nat(12), tokens: fc.integer({ min: 1, max: 20 }) })
  .chain(({ components, fine, tokens }) => {
    const bytes = components + Math.min(fine, components);
    return fc.record({
      code: fc
        .array(fc.double({ min: 1e-5, max: 0.02, noNaN: true }), { minLength: bytes, maxLength: bytes })
        .map((scales): Decoding => ({ bytes, components, scales })),
      tokens: fc
        .array(fc.integer({ min: -127, max: 127 }), { minLength: tokens * bytes, maxLength: tokens * bytes })
        .map((all) => Int8Array.from(all)),
      vector: fc
        .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: components, maxLength: components })
        .map((all) => Float32Array.from(all)),
    });
  });

test('it finds what plain arithmetic finds, and leaves out tokens of zeros', () => {
  fc.assert(
    fc.property(searches, fc.nat(19), ({ code, tokens, vector }, masked) => {
      tokens.fill(0, masked * code.bytes, (masked + 1) * code.bytes);
      const exact = scores(code, tokens, vector);
      const seen = [...exact].filter((score) => !Number.isNaN(score));
      // Cosines are no less than -1; -2 stands for no token.
      fc.pre(seen.every((score) => score > -1.5));
      const memory = tokenMemory(code.bytes);
      const at = placed(memory, new Uint8Array(tokens.buffer));
      const { weights, factor } = wholeWeights(code, vector);
      memory.ask(weights, factor);
      const found = memory.summarize(at, exact.length);
      expect(found.count).toBe(seen.length);
      if (seen.length === 0) {
        expect(found.best).toBe(-2);
        return;
      }
      // Half a step of the weights for each byte, and the rounding of float32.
      const near = factor * 0.5 * 127 * code.bytes + 1e-5;
      expect(Math.abs(found.best - Math.max(...seen))).toBeLessThanOrEqual(near);
      expect(Math.abs(found.best - exact[found.token]!)).toBeLessThanOrEqual(near);
      expect(Math.abs(found.sum - seen.reduce((sum, score) => sum + score, 0))).toBeLessThanOrEqual(near * seen.length);
    }),
    { numRuns: 100 },
  );
});

test('the largest code with the largest weights does not overflow', () => {
  const bytes = 512;
  const code = { bytes, components: bytes, scales: Array.from({ length: bytes }, () => 1) };
  const vector = new Float32Array(bytes).fill(1);
  for (const byte of [127, -127]) {
    const tokens = new Int8Array(bytes).fill(byte);
    const memory = tokenMemory(bytes);
    const at = placed(memory, new Uint8Array(tokens.buffer));
    const { weights, factor } = wholeWeights(code, vector);
    memory.ask(weights, factor);
    expect(memory.summarize(at, 1).sum / (byte * bytes)).toBeCloseTo(1, 3);
  }
});

test('memory keeps what is put into it, beyond its first pages', () => {
  const memory = tokenMemory(16);
  const pieces = [1, 2, 3].map((value) => new Uint8Array(100_000).fill(value));
  const places = pieces.map((piece) => placed(memory, piece));
  pieces.forEach((piece, i) => expect(Buffer.compare(memory.take(places[i]!, piece.length), piece)).toBe(0));
});
