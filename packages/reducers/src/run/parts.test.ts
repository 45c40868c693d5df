import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesSource } from '@deepearth/formats/bytes';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { decodePart, encodePart } from '../models/part-file.ts';
import { kmeansReduction } from '../kmeans/kmeans-reduction.ts';
import { pcaReduction } from '../pca/pca-reduction.ts';
import { randomProjectionReduction } from '../random-projection/random-projection-reduction.ts';
import { seededNormal } from '../shared/seeded.ts';
import type { GridRows } from '../tokens/grid-rows.ts';
import { umapReduction } from '../umap/umap-reduction.ts';
import { buildPart, fitPart, mergeParts } from './parts.ts';
import type { Part, SavableReduction, StoredTokens } from './reduction.ts';

/** Grids of `sizes` tokens, every seventh token without data where `masked`. */
function makeGrids(sizes: readonly number[], channels: number, masked = false): GridRows[] {
  const normal = seededNormal(5);
  return sizes.map((size) => {
    const valid = masked ? Uint8Array.from({ length: size }, (_, token) => (token % 7 === 3 ? 0 : 255)) : undefined;
    const count = valid ? valid.filter((one) => one).length : size;
    const rows = Float32Array.from({ length: count * channels }, (_, at) => normal() * (1 + (at % channels)) + 3);
    return valid ? { rows, valid } : { rows };
  });
}

const stored = (grids: readonly GridRows[], channels: number): StoredTokens => ({
  channels,
  async *pick(grid, numbers) {
    for (const number of numbers) yield grids[grid]!.rows.subarray(number * channels, (number + 1) * channels).slice();
  },
});

async function partOf(
  reduction: SavableReduction,
  grids: readonly GridRows[],
  { channels, options, from }: { channels: number; options: object; from: number },
): Promise<Part> {
  const builder = buildPart(reduction, { channels, from }, options);
  for (const [index, grid] of grids.entries()) {
    const tokens = grid.valid?.length ?? grid.rows.length / channels;
    await builder.see(grid, { id: `grid ${index}`, index, shape: [tokens], axes: ['token'] });
  }
  return builder.finish(stored(grids, channels));
}

/** The parts of grids that are cut before some of them. */
async function partsOf(
  reduction: SavableReduction,
  grids: readonly GridRows[],
  cuts: readonly number[],
  about: { channels: number; options: object },
): Promise<Part[]> {
  const starts = [...new Set([0, ...cuts])].sort((a, b) => a - b);
  const parts: Part[] = [];
  let from = 0;
  for (const [index, start] of starts.entries()) {
    const part = await partOf(reduction, grids.slice(start, starts[index + 1]), { ...about, from });
    parts.push(part);
    from = part.to;
  }
  return parts;
}

const throughFile = async (reduction: SavableReduction, part: Part): Promise<Part> =>
  decodePart(reduction, await encodePart(reduction, part), 'part.safetensors');

/** State of a fit, and what it makes of some tokens. */
async function fitted(reduction: SavableReduction, part: Part, options: object, tokens: Float32Array) {
  const model = await fitPart(reduction, part, options);
  try {
    return { state: (model as unknown as { state(): unknown }).state(), reduced: await model.transform(tokens) };
  } finally {
    await model.close?.();
  }
}

const cases: readonly [string, SavableReduction, object, { sizes: number[]; channels: number; masked?: boolean }][] = [
  [
    'pca in float64',
    pcaReduction,
    { engine: 'javascript' },
    { sizes: [900, 1, 2500, 30, 700, 2048, 900], channels: 8 },
  ],
  ['pca of masked tokens', pcaReduction, {}, { sizes: [900, 1, 2500, 30, 700, 2048, 900], channels: 8, masked: true }],
  ['pca by ml-pca', pcaReduction, { engine: 'ml-pca' }, { sizes: [90, 2100, 40], channels: 4 }],
  ['kmeans of all', kmeansReduction, { clusters: 3 }, { sizes: [30, 4, 50, 20], channels: 5 }],
  ['kmeans of a sample', kmeansReduction, { maxFitTokens: 40 }, { sizes: [30, 4, 50, 20], channels: 5, masked: true }],
  ['random projection', randomProjectionReduction, {}, { sizes: [3, 4, 5], channels: 6 }],
];

describe('parts of a fit', () => {
  test.each(cases)(
    '%s: any division into parts, merged in any order and through files, is the fit to the whole, to the byte',
    async (_, reduction, given, { sizes, channels, masked }) => {
      const options = reduction.options.parse(given);
      const grids = makeGrids(sizes, channels, masked);
      const tokens = grids.at(-1)!.rows.subarray(0, channels * 5);
      const whole = await fitted(
        reduction,
        await partOf(reduction, grids, { channels, options, from: 0 }),
        options,
        tokens,
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: sizes.length - 1 }), { maxLength: 4 }),
          fc.infiniteStream(fc.nat(1000)),
          fc.boolean(),
          async (cuts, order, nested) => {
            const made = await partsOf(reduction, grids, cuts, { channels, options });
            const parts = await Promise.all(made.map((part) => throughFile(reduction, part)));
            const keys = parts.map(() => order.next().value as number);
            const shuffled = [...parts.keys()].sort((a, b) => keys[a]! - keys[b]!).map((index) => parts[index]!);
            // Neighbours may be merged before the others come.
            const halves = nested ? [parts.slice(0, 2), parts.slice(2)].filter((half) => half.length > 0) : [shuffled];
            const merged = await mergeParts(
              reduction,
              await Promise.all(halves.map((half) => mergeParts(reduction, half, options))),
              options,
            );
            expect(await fitted(reduction, await throughFile(reduction, merged), options, tokens)).toEqual(whole);
            // Merging changed nothing in the parts.
            const again = await mergeParts(reduction, parts, options);
            expect(await fitted(reduction, again, options, tokens)).toEqual(whole);
          },
        ),
        { numRuns: 8 },
      );
    },
  );

  test.each([
    ['all tokens', {}],
    ['a sample', { maxFitTokens: 60, sampleTokens: 50 }],
  ])('umap of %s: so it is, too', async (_, more) => {
    const channels = 6;
    const options = umapReduction.options.parse({ epochs: 12, ...more });
    const grids = makeGrids([40, 3, 50, 27], channels, true);
    const tokens = Float32Array.from([...grids[2]!.rows.subarray(0, 60), ...seeded(60)]);
    const whole = await fitted(
      umapReduction,
      await partOf(umapReduction, grids, { channels, options, from: 0 }),
      options,
      tokens,
    );
    for (const cuts of [[1], [2, 3], [1, 2, 3]]) {
      const parts = await partsOf(umapReduction, grids, cuts, { channels, options });
      const files = await Promise.all(parts.reverse().map((part) => throughFile(umapReduction, part)));
      const merged = await mergeParts(umapReduction, files, options);
      expect(await fitted(umapReduction, merged, options, tokens)).toEqual(whole);
    }
  });

  test('a pca of so many tokens that sums are added up in sums: any division gives the same bytes', async () => {
    const channels = 2;
    const options = pcaReduction.options.parse({ components: 2 });
    const tokens = Float32Array.from({ length: channels * 150_000 }, seededNormal(3));
    const at = (from: number, to: number): GridRows => ({ rows: tokens.subarray(from * channels, to * channels) });
    const some = tokens.subarray(0, 40);
    const whole = await fitted(
      pcaReduction,
      await partOf(pcaReduction, [at(0, 150_000)], { channels, options, from: 0 }),
      options,
      some,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(150_000), fc.constantFrom(2048, 65_536, 131_072, 65_535)), { maxLength: 5 }),
        async (cuts) => {
          const ends = [...new Set([0, ...cuts, 150_000])].sort((a, b) => a - b);
          const parts: Part[] = [];
          for (let index = 1; index < ends.length; index++) {
            const [from, to] = [ends[index - 1]!, ends[index]!];
            const part = await partOf(pcaReduction, [at(from, to)], { channels, options, from });
            parts.push(index % 2 ? part : await throughFile(pcaReduction, part));
          }
          const merged = await mergeParts(pcaReduction, parts, options);
          expect(await fitted(pcaReduction, merged, options, some)).toEqual(whole);
        },
      ),
      { numRuns: 8 },
    );
  });

  test('a pca through ONNX Runtime: the parts of several threads are those of one', async () => {
    const channels = 48;
    const options = pcaReduction.options.parse({ engine: 'onnx' });
    const grids = makeGrids([1500, 1500, 1500, 1500], channels);
    const tokens = grids[0]!.rows.subarray(0, channels * 5);
    const whole = await partOf(pcaReduction, grids, { channels, options, from: 0 });
    const expected = await fitted(pcaReduction, whole, options, tokens);
    for (const cuts of [[1], [2], [1, 2, 3]]) {
      const parts = await partsOf(pcaReduction, grids, cuts, { channels, options });
      const merged = await mergeParts(pcaReduction, parts, options);
      expect(await fitted(pcaReduction, merged, options, tokens)).toEqual(expected);
    }
  });

  test('overlaps, gaps, a missing beginning, other options, widths and reductions are refused, and named', async () => {
    const options = pcaReduction.options.parse({});
    const grids = makeGrids([10, 20, 30], 4);
    const about = { channels: 4, options };
    const [one, two, three] = (await partsOf(pcaReduction, grids, [1, 2], about)) as [Part, Part, Part];
    const merge = (...parts: Part[]) => mergeParts(pcaReduction, parts, options);
    await expect(merge(three, one)).rejects.toThrow(
      'tokens 30 to 60: do not follow tokens 0 to 10: 20 tokens between them are missing',
    );
    await expect(merge(one, two, two)).rejects.toThrow('tokens 10 to 30: overlap with tokens 10 to 30');
    await expect(merge(await merge(one, two), two, three)).rejects.toThrow(
      'tokens 10 to 30: overlap with tokens 0 to 30',
    );
    await expect(fitPart(pcaReduction, await merge(two, three), options)).rejects.toThrow(
      'tokens 10 to 60: are not the whole input: 10 tokens before them are missing',
    );
    const narrow = await partOf(pcaReduction, makeGrids([20], 3), { channels: 3, options, from: 10 });
    await expect(merge(one, narrow)).rejects.toThrow('have 3 numbers each, tokens 0 to 10 have 4');
    const exact = pcaReduction.options.parse({ engine: 'javascript' });
    await expect(
      merge(one, await partOf(pcaReduction, grids, { channels: 4, options: exact, from: 10 })),
    ).rejects.toThrow('were seen with {"engine":"javascript"}');
    const groups = kmeansReduction.options.parse({});
    const sample = await partOf(kmeansReduction, grids, { channels: 4, options: groups, from: 10 });
    await expect(merge(one, sample)).rejects.toThrow('are a part of kmeans, and pca is merged');
    await expect(merge()).rejects.toThrow('there are none to merge');
    const others = { ...two, encoder: { name: 'b', fingerprint: 'bb' } };
    await expect(merge({ ...one, encoder: { name: 'a', fingerprint: 'aa' } }, others)).rejects.toThrow(
      'were made by b (bb), tokens 0 to 10 by a (aa)',
    );
  });

  test('a part of no valid token merges, and alone there is nothing to fit', async () => {
    const options = pcaReduction.options.parse({});
    const blind: GridRows = { rows: new Float32Array(0), valid: new Uint8Array(5000) };
    const [seen] = makeGrids([300], 4);
    const about = { channels: 4, options };
    const [one, two] = (await partsOf(pcaReduction, [blind, seen!], [1], about)) as [Part, Part];
    const merged = await mergeParts(pcaReduction, [two, one], options);
    const whole = await partOf(pcaReduction, [blind, seen!], { ...about, from: 0 });
    expect(await fitted(pcaReduction, merged, options, seen!.rows)).toEqual(
      await fitted(pcaReduction, whole, options, seen!.rows),
    );
    await expect(fitPart(pcaReduction, one, options)).rejects.toThrow('there are none to fit pca to');
  });

  test('files that hold no part, another one, or half of one are refused', async () => {
    const options = pcaReduction.options.parse({});
    const part = await partOf(pcaReduction, makeGrids([10], 4), { channels: 4, options, from: 0 });
    const bytes = await encodePart(pcaReduction, part);
    expect(await encodePart(pcaReduction, await throughFile(pcaReduction, part))).toEqual(bytes);
    await expect(decodePart(kmeansReduction, bytes, 'p')).rejects.toThrow(
      'is a part of pca, and one of kmeans is read',
    );
    const changed = (from: string, to: string): Uint8Array =>
      Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('latin1').replace(from, to), 'latin1'));
    await expect(decodePart(pcaReduction, changed('reducer-part', 'reducer-pare'), 'p')).rejects.toThrow('is no part');
    await expect(decodePart(pcaReduction, changed('"version":"2"', '"version":"7"'), 'p')).rejects.toMatchObject({
      code: 'E_REDUCER_VERSION',
      message: expect.stringContaining('version 7') as string,
    });
    await expect(decodePart(pcaReduction, changed('0.rows', '1.rows'), 'p')).rejects.toMatchObject({
      code: 'E_PART_FILE',
      message: expect.stringContaining('p: is damaged: its contents have the digest') as string,
    });
    // A part that was made before there were digests.
    const former = async (name = '0.rows', content?: string): Promise<Uint8Array> => {
      const { tensors, metadata } = await openSafetensors(bytesSource(bytes));
      const rows = await tensors.get('0.rows')!.read();
      const { digest: _digest, ...rest } = Object.fromEntries(metadata);
      return encodeSafetensors({ [name]: rows }, { ...rest, version: '1', ...(content !== undefined && { content }) });
    };
    expect(await decodePart(pcaReduction, await former(), 'p')).toEqual(await throughFile(pcaReduction, part));
    for (const [odd, said] of [
      [former('1.rows'), 'no whole part of a PCA'],
      [former('0.rows', '{"precision":"float64","pieces":[null]}'), 'is no whole part of a fit'],
      [former('0.rows', '[]'), 'is no whole part of a fit'],
    ] as const)
      await expect(decodePart(pcaReduction, await odd, 'p')).rejects.toMatchObject({
        code: 'E_PART_FILE',
        message: expect.stringContaining(said) as string,
      });
    await expect(decodePart(pcaReduction, changed('\\"channels\\":4', '\\"channels\\":x'), 'p')).rejects.toThrow(
      'no whole part of a fit',
    );
  });
});

function seeded(length: number): number[] {
  const normal = seededNormal(9);
  return Array.from({ length }, () => normal());
}
