import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Projection, TokenGrid } from '@deepearth/core/items';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { axisSize } from '@deepearth/core/specs';
import type { Description, StageDefinition } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { loadModel } from '../models/model-file-node.ts';
import { randomProjectionStage } from '../random-projection/random-projection-stage.ts';
import { reduceFile } from './reduce.ts';
import { openFile } from '@deepearth/formats/file-source-node';
import { given, makeTokens } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kmeansStage } from '../kmeans/kmeans-stage.ts';
import { noneStage } from '../none/none-stage.ts';
import { pcaStage } from '../pca/pca-stage.ts';
import { similarityStage } from '../similarity/similarity-stage.ts';
import { umapStage } from '../umap/umap-stage.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'reduce-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const tokens = given(makeTokens({ count: 1 })).spec;

async function reduce(
  stage: StageDefinition<any, any, any>,
  grids: readonly TokenGrid[],
  options: object = {},
  more: Omit<RunStageOptions<any>, 'options' | 'inputs'> = {},
): Promise<Projection[]> {
  const found: Projection[] = [];
  const stream = {
    ...tokens,
    axes: tokens.axes.map((axis) => ({
      ...axis,
      size: axis.name === 'channels' ? (grids[0]?.values.shape.at(-1) ?? null) : null,
    })),
  };
  for await (const projection of runStage(stage, { options, inputs: [given(grids, stream)], ...more }))
    found.push(projection as Projection);
  return found;
}

const map = (grid: TokenGrid, change: (value: number, index: number) => number): TokenGrid => ({
  ...grid,
  values: tensor('float32', grid.values.shape, (grid.values.data as Float32Array).map(change)),
});

describe('a reducer over a run', () => {
  test('saves a fit that gives other runs the same colours, grid by grid', async () => {
    const grids = makeTokens({ count: 4 });
    for (const [stage, options] of [
      [pcaStage, {}],
      [kmeansStage, { clusters: 3 }],
    ] as const) {
      const output = join(folder, stage.type.replace('/', '-'));
      const saveAs = 'models/colours.safetensors';
      const fitted = await reduce(stage, grids, { ...options, saveAs, spool: 'float32' }, { output });
      const inputs: string[] = [];
      const again = await reduce(
        stage,
        grids.slice(1),
        { model: join(output, saveAs) },
        { onInput: ({ path }) => inputs.push(path) },
      );
      expect(again.map(({ values }) => values)).toEqual(fitted.slice(1).map(({ values }) => values));
      expect(again[0]!.limits).toEqual(fitted[0]!.limits);
      expect(again[0]!.meaning).toBe(fitted[0]!.meaning);
      expect(inputs).toEqual([join(output, saveAs)]);
      const foreign = grids.map((grid) => ({ ...grid, encoder: { name: 'other', fingerprint: 'beef' } }));
      await expect(reduce(stage, foreign, { model: join(output, saveAs) })).rejects.toThrow(
        /was fitted to tokens of made tokens .* come from other \(beef\)/,
      );
      await expect(reduce(stage, makeTokens({ channels: 8 }), { model: join(output, saveAs) })).rejects.toThrow(
        'takes tokens of 16 numbers, and these have 8',
      );
    }
    await expect(
      reduce(umapStage, grids, { model: join(folder, 'reducer-pca/models/colours.safetensors') }),
    ).rejects.toThrow('is a saved pca, and this is reducer/umap');
    await expect(reduce(pcaStage, grids, { model: join(folder, 'none') })).rejects.toThrow(
      /none.*(no such|not exist|not there|cannot be)/i,
    );
    await expect(
      reduce(pcaStage, grids, { model: join(folder, 'reducer-pca/models/colours.safetensors'), saveAs: 'b' }),
    ).rejects.toThrow('nothing to save');
  });

  test.each([
    [pcaStage, {}],
    [umapStage, { epochs: 10 }],
    [kmeansStage, {}],
    [similarityStage, { to: 'time' }],
    [noneStage, {}],
  ] as const)('leaves tokens without data out of the fit, and NaN in their place (%#)', async (stage, options) => {
    const [first, second] = makeTokens({ count: 2 }) as [TokenGrid, TokenGrid];
    const valid = Uint8Array.from({ length: 24 }, (_, token) => (token % 3 ? 255 : 0));
    const masked = { ...map(first, (value, i) => (valid[Math.floor(i / 16)] ? value : NaN)), valid };
    const [one, other] = (await reduce(stage, [masked, second], options)) as [Projection, Projection];
    const components = one.values.shape[3]!;
    expect([...one.values.data].map(Number.isNaN)).toEqual(
      Array.from({ length: 24 * components }, (_, i) => !valid[Math.floor(i / components)]),
    );
    expect(one.valid).toEqual(valid);
    expect([...other.values.data].every(Number.isFinite)).toBe(true);
    expect(other.valid).toBeUndefined();
  });

  test('takes grids of different sizes, a single token, and grids without a valid token', async () => {
    const [large] = makeTokens({ count: 1 }) as [TokenGrid];
    const [small] = makeTokens({ count: 1, time: 1, height: 1, width: 1, seed: 4 }) as [TokenGrid];
    expect((await reduce(pcaStage, [large, { ...small, id: 'small' }])).map(({ values }) => values.shape)).toEqual([
      [2, 3, 4, 3],
      [1, 1, 1, 3],
    ]);
    for (const stage of [pcaStage, umapStage, kmeansStage, noneStage] as const) {
      const [alone] = await reduce(stage, [small]);
      expect([...alone!.values.data].every(Number.isFinite)).toBe(true);
      expect(alone!.limits.every(([low, high]) => Number.isFinite(low) && Number.isFinite(high))).toBe(true);
    }
    const [blind] = await reduce(pcaStage, [{ ...large, valid: new Uint8Array(24) }]);
    expect([...blind!.values.data].every(Number.isNaN)).toBe(true);
    expect(blind!.limits).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
  });

  test('with onError: skip leaves out the grid with a bad token, and fits to the others', async () => {
    const grids = makeTokens({ count: 3 });
    const broken = [grids[0]!, map(grids[1]!, (value, i) => (i === 20 ? NaN : value)), grids[2]!];
    const names = (await reduce(pcaStage, broken, {}, { onError: 'skip' })).map(({ id }) => id);
    expect(names).toEqual([grids[0]!.id, grids[2]!.id]);
    await expect(reduce(pcaStage, broken)).rejects.toThrow(/the token at time 0, row 0, column 1, channel 4, is NaN/);
  });

  test('has one set of limits, of percentiles or extremes over all grids', async () => {
    const grids = makeTokens({ count: 3 });
    const all = (projections: Projection[]) =>
      projections.flatMap(({ values }) => [...values.data].filter((_, i) => i % 3 === 0) as number[]);
    const wide = await reduce(pcaStage, grids, { scaling: 'min-max' });
    expect(wide[0]!.limits[0]).toEqual([Math.min(...all(wide)), Math.max(...all(wide))]);
    const narrow = await reduce(pcaStage, grids, { lowPercentile: 10, highPercentile: 90 });
    const inside = all(narrow).filter(
      (value) => value >= narrow[0]!.limits[0]![0] && value <= narrow[0]!.limits[0]![1],
    ).length;
    expect(inside / all(narrow).length).toBeCloseTo(0.8, 1);
  });

  test('with lightness: even returns colours from 0 to 1', async () => {
    const [one] = await reduce(pcaStage, makeTokens({ count: 2 }), { lightness: 'even' });
    expect(one!.limits).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect([...one!.values.data].every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(one!.componentNames).toEqual(['red', 'green', 'blue']);
    expect((await reduce(pcaStage, makeTokens({ count: 2 })))[0]).not.toHaveProperty('componentNames');
  });

  test('a saved model tells how many components come out, before any token does', async () => {
    const output = join(folder, 'two');
    await reduce(pcaStage, makeTokens({ count: 2 }), { components: 2, saveAs: 'two.safetensors' }, { output });
    const options = { model: join(output, 'two.safetensors') };
    const described = (await describeAlone(pcaStage as StageDefinition, { options, inputs: [tokens] })) as Description;
    expect(axisSize(described.output, 'components')).toBe(2);
    expect(described.drains).toBeUndefined();
    const unseen = (await describeAlone(pcaStage as StageDefinition, {
      options,
      inputs: [tokens],
      survey: false,
    })) as Description;
    expect(axisSize(unseen.output, 'components')).toBeNull();
    await expect(reduce(pcaStage, makeTokens({ count: 2 }), { ...options, lightness: 'even' })).rejects.toThrow(
      'lightness: even makes colours of 3 components, not of 2',
    );
  });

  test('one component is a scalar, a group is a label, three are coordinates', async () => {
    const grids = makeTokens({ count: 2 });
    const meaning = async (stage: StageDefinition<any, any, any>, options: object) =>
      (await reduce(stage, grids, options))[0]!.meaning;
    expect(await meaning(pcaStage, { components: 1 })).toBe('scalar');
    expect(await meaning(pcaStage, {})).toBe('coordinates');
    expect(await meaning(kmeansStage, {})).toBe('label');
    expect((await reduce(kmeansStage, grids, { clusters: 4 }))[0]!.limits).toEqual([[0, 3]]);
  });
});

describe('similarity', () => {
  test('is 1 at the picked token and for tokens of its direction, -1 for the opposite', async () => {
    const [grid] = makeTokens({ count: 1 }) as [TokenGrid];
    const picked = Array.from(grid.values.data.subarray(16 * 13, 16 * 14) as Float32Array);
    const made = map(grid, (value, i) => (i < 16 ? 3 * picked[i]! : i < 32 ? -picked[i - 16]! : value));
    const [found] = await reduce(similarityStage, [made], {
      to: { clip: 0, time: 1, row: 0, column: 1 },
      spool: 'float32',
    });
    expect(found!.values.shape).toEqual([2, 3, 4, 1]);
    expect(found!.values.data[13]).toBeCloseTo(1, 6);
    expect(found!.values.data[0]).toBeCloseTo(1, 6);
    expect(found!.values.data[1]).toBeCloseTo(-1, 6);
  });

  test('to time is 1 where nothing changes and where there is one step only', async () => {
    const [grid] = makeTokens({ count: 1 }) as [TokenGrid];
    const still = map(grid, (_, i) => (grid.values.data as Float32Array)[i % (12 * 16)]!);
    expect(
      [...(await reduce(similarityStage, [still], { to: 'time' }))[0]!.values.data].every(
        (value) => Math.abs((value as number) - 1) < 1e-6,
      ),
    ).toBe(true);
    expect(
      [...(await reduce(similarityStage, makeTokens({ count: 1, time: 1 }), { to: 'time' }))[0]!.values.data].every(
        (value) => value === 1,
      ),
    ).toBe(true);
  });

  test('refuses a token that is not there, before or when it comes', async () => {
    const grids = makeTokens({ count: 2 });
    await expect(reduce(similarityStage, grids, { to: { clip: 2 } })).rejects.toThrow(
      'clip 2 was picked, and only 2 will come',
    );
    await expect(reduce(similarityStage, grids, { to: { clip: 0, row: 3 } })).rejects.toThrow(
      'row 3, column 0 was picked, and this grid has times 2, rows 3, columns 4',
    );
    const valid = new Uint8Array(24).fill(255);
    valid[0] = 0;
    await expect(reduce(similarityStage, [{ ...grids[0]!, valid }], {})).rejects.toThrow('it saw no data');
  });
});

test.each([
  [pcaStage, {}],
  [umapStage, { epochs: 10, maxFitTokens: 60, sampleTokens: 40 }],
] as const)('a resumed run takes the fit that a former one saved, with the same bytes (%#)', async (stage, options) => {
  const grids = makeTokens({ count: 4 });
  const output = join(folder, `resumed-${stage.type.replace('/', '-')}`);
  const first = await reduce(stage, grids, { ...options, saveAs: 'fit.safetensors' }, { output });
  const asked: string[] = [];
  const former = { find: (key: string) => (asked.push(key), openFile(join(output, 'fit.safetensors'))) };
  const steps = new Set<string>();
  const again = await reduce(
    stage,
    grids,
    { ...options, saveAs: 'again.safetensors' },
    { output, former, onEvent: (event) => void ('step' in event && steps.add(event.step)) },
  );
  expect(again.map(({ values, limits }) => ({ values, limits }))).toEqual(
    first.map(({ values, limits }) => ({ values, limits })),
  );
  expect(await readFile(join(output, 'again.safetensors'))).toEqual(await readFile(join(output, 'fit.safetensors')));
  // Beside what shards may have fitted.
  expect(asked.filter((key) => !key.startsWith('fit:'))).toHaveLength(1);
  expect([...steps].sort()).toEqual(['collect', 'transform']);
});

test.each([
  [pcaStage, {}],
  [similarityStage, { to: 'time' }],
  [similarityStage, { to: { at: { height: 1 } } }],
  [noneStage, { components: 'all' }],
] as const)('a stream whose axes are known only when it comes is reduced as any (%#)', async (stage, options) => {
  const grids = makeTokens({ count: 2 });
  const inputs = [{ items: grids, spec: { ...tokens, axes: [], count: null } }];
  const found: Projection[] = [];
  const definition = stage as unknown as StageDefinition;
  for await (const item of runStage(definition, { options, inputs })) found.push(item as Projection);
  expect(found.map(({ values }) => values)).toEqual(
    (await reduce(definition, grids, options)).map(({ values }) => values),
  );
  expect(await describeAlone(definition, { options, inputs: [inputs[0]!.spec] })).not.toHaveProperty('diskBytes');
});

describe('grids of any shape', () => {
  const words = (count: number, channels = 16): TokenGrid[] =>
    makeTokens({ count, channels }).map(({ clip: _clip, ...grid }) => ({
      ...grid,
      values: tensor('float32', [24, channels], grid.values.data as Float32Array),
      axes: ['token', 'channels'],
      origin: { kind: 'text', uri: 'notes.txt' },
    }));

  test.each([
    [pcaStage, {}, 3],
    [umapStage, { epochs: 10 }, 3],
    [kmeansStage, {}, 1],
    [similarityStage, { to: { clip: 1, at: { token: 5 } } }, 1],
    [noneStage, { components: 'all' }, 16],
  ] as const)(
    'are reduced as the tokens in them, their axes and origin kept (%#)',
    async (stage, options, components) => {
      const grids = makeTokens({ count: 3 });
      const given = words(3);
      const found = await reduceSpec(stage, given, options);
      const pictures =
        stage === similarityStage ? undefined : await reduce(stage as StageDefinition<any, any, any>, grids, options);
      found.forEach((projection, index) => {
        expect(projection.axes).toEqual(['token', 'components']);
        expect(projection.values.shape).toEqual([24, components]);
        expect(projection.origin).toEqual(given[index]!.origin);
        expect('clip' in projection).toBe(false);
        if (pictures) expect(projection.values.data).toEqual(pictures[index]!.values.data);
      });
      if (stage === similarityStage) expect(found[1]!.values.data[5]).toBeCloseTo(1, 6);
    },
  );

  test('name their bad tokens by their own axes, and have no neighbours in time', async () => {
    const [one] = words(1) as [TokenGrid];
    const broken = map(one, (value, i) => (i === 20 ? NaN : value));
    await expect(reduceSpec(pcaStage, [broken])).rejects.toThrow('the token at token 1, channel 4, is NaN');
    await expect(reduceSpec(similarityStage, [one], { to: 'time' })).rejects.toThrow('tokens have no axis "time"');
    await expect(reduceSpec(similarityStage, [one], { to: { at: { token: 24 } } })).rejects.toThrow(
      'a token at token 24 was picked, and grids have 24',
    );
    await expect(reduceSpec(similarityStage, [one], { to: { at: { word: 2 } } })).rejects.toThrow(
      'a place along word was picked, and tokens have token',
    );
  });

  test('audio goes along its time', async () => {
    const [grid] = makeTokens({ count: 1, time: 6, height: 1, width: 1 }) as [TokenGrid];
    const { clip: _clip, ...audio } = grid;
    const heard: TokenGrid = {
      ...audio,
      values: tensor('float32', [6, 16], grid.values.data as Float32Array),
      axes: ['time', 'channels'],
      origin: { kind: 'audio' },
    };
    const [one] = await reduceSpec(similarityStage, [heard], { to: 'time' });
    const [other] = await reduce(similarityStage, [grid], { to: 'time' });
    expect(one!.values.data).toEqual(other!.values.data);
  });

  test('shares of pixels seen pass on: tokens of any are reduced, those of none are not', async () => {
    const [one, other] = makeTokens({ count: 2 }) as [TokenGrid, TokenGrid];
    const valid = Uint8Array.from({ length: 24 }, (_, token) => (token % 4) * 85);
    const partly = Uint8Array.from({ length: 24 }, (_, token) => 255 - token);
    const found = await reduce(pcaStage, [
      { ...one, valid },
      { ...other, valid: partly },
    ]);
    expect(found.map((projection) => projection.valid)).toEqual([valid, partly]);
    expect([...found[0]!.values.data].map(Number.isNaN)).toEqual(
      Array.from({ length: 72 }, (_, i) => valid[Math.floor(i / 3)] === 0),
    );
    expect([...found[1]!.values.data].some(Number.isNaN)).toBe(false);
  });
});

/** As `reduce`, of grids with axes of their own. */
async function reduceSpec(
  stage: StageDefinition<any, any, any>,
  grids: readonly TokenGrid[],
  options: object = {},
): Promise<Projection[]> {
  const found: Projection[] = [];
  for await (const projection of runStage(stage, { options, inputs: [given(grids)] }))
    found.push(projection as Projection);
  return found;
}

test.each([
  [pcaStage, 'pca', {}],
  [pcaStage, 'pca', { whiten: true, components: 2 }],
  [umapStage, 'umap', { epochs: 10 }],
  [umapStage, 'umap', { epochs: 10, maxFitTokens: 60, sampleTokens: 40 }],
  [kmeansStage, 'kmeans', { clusters: 3, maxFitTokens: 50 }],
  [randomProjectionStage, 'random-projection', {}],
] as const)(
  'the command makes of a file what the stage makes of the same tokens, to the byte (%#)',
  async (stage, method, options) => {
    const valid = Uint8Array.from({ length: 24 }, (_, token) => (token % 5 ? token : 0));
    const grids = makeTokens({ count: 4 }).map((grid, index) => (index === 2 ? { ...grid, valid } : grid));
    const values = Float32Array.from(grids.flatMap((grid) => [...(grid.values.data as Float32Array)]));
    const mask = Uint8Array.from(
      grids.flatMap((grid) => [...('valid' in grid ? valid : new Uint8Array(24).fill(255))]),
    );
    const file = join(folder, `${method}-tokens.safetensors`);
    await writeFile(
      file,
      await encodeSafetensors({
        features: tensor('float32', [4, 2, 3, 4, 16], values),
        valid: tensor('uint8', [96], mask),
      }),
    );
    const output = join(folder, `${method}-stage`);
    const made = await reduce(stage, grids, { ...options, spool: 'float32', saveAs: 'model.safetensors' }, { output });
    const result = await reduceFile({
      tokens: file,
      with: method,
      options,
      output: join(folder, 'y.safetensors'),
      modelOut: join(folder, 'model.safetensors'),
    });
    const written = await readTensorFile(join(folder, 'y.safetensors'));
    expect((await written.tensor('projection').read()).data).toEqual(
      Float32Array.from(made.flatMap((projection) => [...projection.values.data])),
    );
    expect((await written.tensor('valid').read()).data).toEqual(mask);
    expect(made.map((projection) => projection.valid)).toEqual([undefined, undefined, valid, undefined]);
    await written.close();
    expect(result.limits).toEqual(made[0]!.limits);
    const [one, other] = await Promise.all(
      [join(folder, 'model.safetensors'), join(output, 'model.safetensors')].map((path) => loadModel(path)),
    );
    expect(one!.state).toEqual(other!.state);
  },
);
