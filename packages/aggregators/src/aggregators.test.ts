import { spec, tensor, type Embedding, type StageDefinition, type TokenGrid } from '@deepearth/core';
import { halfFromFloat32, toFloat32 } from '@deepearth/core/half';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeTokens } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classToken } from './class-token.ts';
import { firstToken } from './first-token.ts';
import { hierarchical } from './hierarchical.ts';
import { max } from './max.ts';
import { mean } from './mean.ts';
import { none } from './none.ts';
import { oldHierarchical } from './old-hierarchical.ts';
import { quadrants } from './quadrants.ts';
import { spatialMean } from './spatial-mean.ts';
import { temporalMean } from './temporal-mean.ts';

const all = { mean, max, firstToken, spatialMean, temporalMean, quadrants, hierarchical, oldHierarchical, none };
const grids = () => makeTokens({ time: 2, height: 4, width: 6, channels: 5, count: 4 });
const poison = (): TokenGrid[] =>
  grids().map((grid, index) =>
    index === 1
      ? {
          ...grid,
          values: tensor(
            'float32',
            grid.values.shape,
            (grid.values.data as Float32Array).map((v, i) => (i === 3 ? NaN : v)),
          ),
        }
      : grid,
  );
const blind = (): TokenGrid[] =>
  grids().map((grid, index) => (index === 2 ? { ...grid, valid: new Uint8Array(48) } : grid));

for (const stage of [mean, max, spatialMean, temporalMean, quadrants, hierarchical, oldHierarchical]) {
  describeStage(stage as StageDefinition, {
    inputs: () => [given(grids())],
    broken: { inputs: () => [given(poison())], says: /token at time 0, row 0, column 0 holds NaN/, left: 3 },
  });
}
describeStage(firstToken, {
  inputs: () => [given(grids())],
  broken: { inputs: () => [given(blind())], says: /first token saw no data/, left: 3 },
});
/** Grids with a class token and a register for each of two steps. */
const withGlobals = (): TokenGrid[] =>
  grids().map((grid, index) => ({
    ...grid,
    globals: {
      names: ['class', 'register-0'],
      axes: ['time', 'name', 'channels'],
      values: tensor(
        'float32',
        [2, 2, 5],
        Float32Array.from({ length: 20 }, (_, i) => 100 * index + i),
      ),
    },
  }));
describeStage(classToken, {
  inputs: () => [given(withGlobals())],
  otherOptions: { token: 'register-0' },
  broken: {
    inputs: () => [
      given(withGlobals().map(({ globals, ...grid }, index) => (index === 2 ? grid : { ...grid, globals }))),
    ],
    says: /there is no token "class" beside the grid/,
    left: 3,
  },
});
describeStage(none, { inputs: () => [given(grids())] });
describeStage(hierarchical, {
  title: 'with other levels',
  options: { levels: [1, 3] },
  otherOptions: { levels: [2] },
  inputs: () => [given(grids())],
});

describeStage(oldHierarchical, {
  title: 'with one part',
  options: { part: 'quadrants' },
  otherOptions: { part: 'spatial' },
  inputs: () => [given(grids())],
});

describe('the class token', () => {
  const taken = async (grid: TokenGrid, options = {}): Promise<number[]> => {
    for await (const item of runStage(classToken, { options, inputs: [given([grid])] }))
      return [...(item as Embedding).values.data];
    return [];
  };

  test('is averaged over the steps that hold data, and tiles', async () => {
    const grid = withGlobals()[1]!;
    expect(await taken(grid)).toEqual([105, 106, 107, 108, 109]);
    expect(await taken(grid, { token: 'register-0' })).toEqual([110, 111, 112, 113, 114]);
    const valid = new Uint8Array(48).fill(0, 0, 24).fill(7, 30, 31);
    expect(await taken({ ...grid, valid })).toEqual([110, 111, 112, 113, 114]);
    await expect(taken({ ...grid, valid: new Uint8Array(48) })).rejects.toMatchObject({ code: 'E_NO_DATA' });
    const tiles = { ...grid.globals!, axes: ['time', 'tile', 'name', 'channels'] };
    const tiled = { ...tiles, values: tensor('float32', [2, 1, 2, 5], grid.globals!.values.data) };
    expect(await taken({ ...grid, valid, globals: tiled })).toEqual([110, 111, 112, 113, 114]);
    const nan = grid.globals!.values.data.map((value, i) => (i === 12 ? NaN : value));
    await expect(
      taken({ ...grid, globals: { ...grid.globals!, values: tensor('float32', [2, 2, 5], nan) } }),
    ).rejects.toMatchObject({ code: 'E_NOT_FINITE' });
  });

  test('is refused before anything runs where the encoder makes none, or none of that name', () => {
    const described = (globals: readonly string[], token = 'class') =>
      classToken.describe(undefined, {
        options: { token },
        survey: undefined,
        inputs: [{ id: 'encoder', spec: { ...given(grids()).spec, globals } }],
      });
    expect(described([])).toMatchObject({ refused: expect.stringContaining('this encoder makes none') as string });
    expect(described(['class'], 'register-0')).toMatchObject({
      refused: 'there is no token "register-0" beside the grid, but class.',
    });
    expect(described(['class'])).toMatchObject({ output: { axes: [{ name: 'channels', size: 5 }] } });
  });
});

/** A 2 x 2 x 2 grid of one channel with the values 0 to 7, in order. */
const small = (valid?: number[]): TokenGrid => ({
  ...makeTokens({ time: 2, height: 2, width: 2, channels: 1, count: 1 })[0]!,
  values: tensor('float32', [2, 2, 2, 1], Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7])),
  ...(valid && { valid: Uint8Array.from(valid) }),
});

async function values(
  stage: (typeof all)[keyof typeof all],
  grid: TokenGrid,
  options: object = {},
): Promise<{ shape: readonly number[]; axes: readonly string[]; data: number[] }> {
  for await (const item of runStage(stage as StageDefinition, { options, inputs: [given([grid])] })) {
    const {
      values: { shape, data },
      axes,
    } = item as Embedding;
    return { shape, axes, data: [...data] };
  }
  throw new Error('nothing came out');
}

describe('what aggregators return', () => {
  test('has the axes that are averaged away removed', async () => {
    expect(await values(mean, small())).toEqual({ shape: [1], axes: ['channels'], data: [3.5] });
    expect(await values(max, small())).toEqual({ shape: [1], axes: ['channels'], data: [7] });
    expect(await values(firstToken, small())).toEqual({ shape: [1], axes: ['channels'], data: [0] });
    expect(await values(spatialMean, small())).toEqual({ shape: [2, 1], axes: ['time', 'channels'], data: [1.5, 5.5] });
    expect(await values(temporalMean, small())).toEqual({
      shape: [2, 2, 1],
      axes: ['height', 'width', 'channels'],
      data: [2, 3, 4, 5],
    });
    expect(await values(quadrants, small())).toEqual({
      shape: [4, 1],
      axes: ['quadrant', 'channels'],
      data: [2, 3, 4, 5],
    });
    expect(await values(hierarchical, small(), { levels: [1, 2] })).toEqual({
      shape: [5, 1],
      axes: ['region', 'channels'],
      data: [3.5, 2, 3, 4, 5],
    });
    expect((await values(none, small())).data).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('leaves out tokens that saw no data', async () => {
    const upperLeftOnly = [1, 0, 0, 0, 0, 0, 0, 0];
    expect((await values(mean, small([1, 1, 1, 1, 0, 0, 0, 0]))).data).toEqual([1.5]);
    expect((await values(max, small([1, 1, 1, 1, 0, 0, 0, 0]))).data).toEqual([3]);
    expect((await values(spatialMean, small(upperLeftOnly))).data).toEqual([0, NaN]);
    expect((await values(quadrants, small(upperLeftOnly))).data).toEqual([0, NaN, NaN, NaN]);
    expect((await values(none, small(upperLeftOnly))).data.filter((v) => !Number.isNaN(v))).toEqual([0]);
  });

  test('ignores what a token without data holds, NaN too', async () => {
    const grid = small([1, 1, 1, 1, 1, 1, 1, 0]);
    (grid.values.data as Float32Array)[7] = NaN;
    expect((await values(mean, grid)).data).toEqual([3]);
  });

  test('is an error when no token saw data', async () => {
    await expect(values(mean, small([0, 0, 0, 0, 0, 0, 0, 0]))).rejects.toThrow(/none of its tokens saw any data/);
  });

  test('is the same for half-precision tokens as for the numbers they stand for', async () => {
    const [grid] = grids();
    const half = {
      ...grid!,
      values: tensor('float16', grid!.values.shape, halfFromFloat32(grid!.values.data as Float32Array)),
    };
    const rounded = { ...grid!, values: toFloat32(half.values) };
    for (const stage of Object.values(all))
      expect((await values(stage, half)).data).toEqual((await values(stage, rounded)).data);
  });
});

test('quarters of an odd grid give the middle to the lower right', async () => {
  const grid: TokenGrid = {
    ...small(),
    values: tensor('float32', [1, 3, 3, 1], Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8])),
  };
  expect((await values(quadrants, grid)).data).toEqual([0, 1.5, 4.5, 6]);
});

test('refuses levels finer than the grid, and grids that have no quarters', async () => {
  await expect(values(hierarchical, small(), { levels: [4] })).rejects.toThrow(/finer than the grid of 2 x 2/);
  const line: TokenGrid = { ...small(), values: tensor('float32', [1, 1, 8, 1], new Float32Array(8)) };
  await expect(values(quadrants, line)).rejects.toThrow(/1 x 8 tokens has no quarters/);
});

describe('grids of any axes', () => {
  /** The same tokens under other axes: words, sound, points in a volume. */
  const shaped = (axes: string[], sizes: number[], valid?: Uint8Array): TokenGrid => {
    const count = sizes.reduce((a, b) => a * b, 1);
    const { clip: _, ...grid } = makeTokens({ time: 1, height: 1, width: count, channels: 5, count: 1 })[0]!;
    return {
      ...grid,
      axes: [...axes, 'channels'],
      values: tensor('float32', [...sizes, 5], grid.values.data as Float32Array),
      origin: { kind: 'text', uri: 'notes.txt' },
      ...(valid && { valid }),
    };
  };

  test.each([
    ['mean', mean],
    ['max', max],
  ] as const)('%s over any axes is that over the flattened grid', async (_, stage) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.constantFrom(0, 128, 255)),
        async (sizes, shares) => {
          const count = sizes.reduce((a, b) => a * b, 1);
          const valid = Uint8Array.from({ length: count }, () => shares.next().value!);
          valid[0] = 255;
          const grid = shaped(
            sizes.map((_, axis) => `axis-${axis}`),
            sizes,
            valid,
          );
          const expected = { shape: [5], axes: ['channels'], data: [] as number[] };
          const found = await values(stage, grid);
          expect({ ...found, data: [] }).toEqual(expected);
          expect(found.data).toEqual((await values(stage, shaped(['token'], [count], valid))).data);
          const seen = Array.from({ length: count }, (_, token) => token).filter((token) => valid[token] !== 0);
          for (let c = 0; c < 5; c++) {
            const channel = seen.map((token) => grid.values.data[token * 5 + c]!);
            const plain = stage === max ? Math.max(...channel) : channel.reduce((a, b) => a + b, 0) / channel.length;
            expect(found.data[c]).toBeCloseTo(plain, 5);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('levels finer than a grid whose size was not known before it came are refused', async () => {
    const inputs = [{ items: makeTokens({ count: 1 }), spec: spec('tokens', {}, null) }];
    await expect(runStage(hierarchical as unknown as StageDefinition, { inputs }).next()).rejects.toThrow(
      'a level of 4 x 4 regions is finer than the grid of 3 x 4 tokens',
    );
  });

  test('none keeps the axes of the grid', async () => {
    const grid = shaped(['depth', 'point'], [2, 3]);
    expect(await values(none, grid)).toEqual({
      shape: [2, 3, 5],
      axes: ['depth', 'point', 'channels'],
      data: [...grid.values.data],
    });
  });

  test('a bad token is named by its own axes', async () => {
    const grid = shaped(['token'], [4]);
    (grid.values.data as Float32Array)[11] = NaN;
    await expect(values(mean, grid)).rejects.toThrow('the token at token 2 holds NaN');
  });

  test.each([
    [spatialMean, ['token'], 'needs tokens with time and height and width; these have the axes [token, channels]'],
    [temporalMean, ['time'], 'needs tokens with height and width; these have the axes [time, channels]'],
    [quadrants, ['time', 'width'], 'needs tokens with height; these have the axes [time, width, channels]'],
    [hierarchical, ['time'], 'needs tokens with height and width; these have the axes [time, channels]'],
    [oldHierarchical, ['time'], 'needs tokens with height and width; these have the axes [time, channels]'],
    [
      spatialMean,
      ['height', 'width', 'time'],
      'needs tokens of [time, height, width, channels]; these have the axes [height, width, time, channels]',
    ],
  ] as const)('%# is refused by name', async (stage, axes, says) => {
    const grid = shaped(
      [...axes],
      axes.map(() => 2),
    );
    await expect(values(stage, grid)).rejects.toThrow(says);
    // The same where axes are known only when the grid comes.
    const run = runStage(stage as unknown as StageDefinition, {
      inputs: [{ items: [grid], spec: spec('tokens', {}, null) }],
    });
    await expect(run.next()).rejects.toThrow(`${grid.id}: aggregator/`);
    await expect(run.return(undefined)).resolves.toBeDefined();
  });

  test.each([mean, max, none, firstToken, spatialMean, temporalMean, quadrants, hierarchical, oldHierarchical])(
    '%#: a stream whose axes are known only when it comes is taken',
    async (stage) => {
      const [grid] = makeTokens({ count: 1, height: 4 });
      const found: Embedding[] = [];
      const inputs = [{ items: [grid!], spec: spec('tokens', {}, null) }];
      for await (const item of runStage(stage as unknown as StageDefinition, { inputs })) found.push(item as Embedding);
      expect(found.map(({ values: { data } }) => [...data])).toEqual([(await values(stage, grid!)).data]);
    },
  );
});
