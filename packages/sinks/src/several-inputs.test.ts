// What two cameras write into shared sinks is the same in every run, whatever comes first.

import { createHash } from 'node:crypto';
import {
  definePipeline,
  defineRenderer,
  defineSource,
  memoryStore,
  plan,
  run,
  spec,
  use,
  type Picture,
  type RunStore,
  type StageUse,
} from '@deepearth/core';
import { makePictures } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { gif } from './gif.ts';
import { packageSink } from './package.ts';
import { pictures } from './pictures.ts';

const options = z.strictObject({ layer: z.string().default('made'), seed: z.int().default(1) });

const size = { width: 16, height: 12 };
const described = { ...spec('picture', { height: 12, width: 16, channels: 3 }, 'uint8', 8), sequences: ['made'] };

/** Sends eight pictures, each after as long as `wait` says. */
const camera = (wait: () => number) =>
  defineSource({
    type: 'camera',
    summary: 'Pictures.',
    options,
    examples: [],
    describe: () => ({ output: described }),
    async *process(_, { options: { layer, seed } }) {
      for (const picture of makePictures(8, { ...size, layer, seed })) {
        await new Promise((resolve) => setTimeout(resolve, wait()));
        yield picture as never;
      }
    },
  });

/** Draws over the pictures of another stage, in a layer of its own, at once or when all have come. */
const tinted = (layer: string, fits: boolean, named = false) =>
  defineRenderer({
    type: 'tinted',
    summary: 'Another layer.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: { ...described, ...(named && { names: [layer] }) }, drains: fits }),
    async *process(items) {
      const held: Picture[] = [];
      for await (const picture of items as unknown as AsyncIterable<Picture>) {
        const other = { ...picture, id: `${layer}-${picture.id}`, key: `${layer}-${picture.key}`, layer };
        if (fits) held.push(other);
        else yield other;
      }
      yield* held;
    },
  });

async function digestOf(uses: readonly StageUse[]): Promise<{ digest: string; store: RunStore; paths: string[] }> {
  const store = memoryStore();
  const { manifest } = await run(definePipeline(uses), { store }).result;
  const { times: _, ...rest } = manifest;
  return {
    store,
    digest: createHash('sha256').update(JSON.stringify(rest)).digest('hex'),
    paths: manifest.outputs.map(({ path }) => path),
  };
}

/** Each of them in turn, again and again. */
function inTurn(...waits: readonly number[]): () => number {
  let turn = 0;
  return () => waits[turn++ % waits.length]!;
}

// As many milliseconds as each picture of the first and of the second camera is waited for.
const paces: readonly (readonly [() => number, () => number])[] = [
  [() => 0, () => 0],
  [() => 4, () => 0],
  [() => 0, () => 4],
  [inTurn(0, 3, 0, 1), inTurn(2, 0, 0, 4, 1)],
];

test('two cameras with one name and one layer make one GIF: all of the first, then all of the second', async () => {
  const runs = [];
  for (const [one, other] of paces)
    runs.push(
      await digestOf([
        use(camera(one), {}, { id: 'a' }),
        use(camera(other), { seed: 2 }, { id: 'b' }),
        use(gif, {}, { from: ['a', 'b'] }),
        use(packageSink, {}),
      ]),
    );
  expect(runs[0]!.paths).toEqual(['gif/made.gif', 'package.zip']);
  expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
  const inOrder = await digestOf([
    use(
      defineSource({
        type: 'both',
        summary: 'Both.',
        options: z.strictObject({}),
        examples: [],
        describe: () => ({ output: described }),
        async *process() {
          yield* [...makePictures(8, size), ...makePictures(8, { ...size, seed: 2 })] as never[];
        },
      }),
      {},
    ),
    use(gif, {}),
  ]);
  const bytes = async (store: RunStore): Promise<Uint8Array> => {
    const file = (await store.get('gif/made.gif'))!;
    return file.read(0, file.size);
  };
  expect(await bytes(runs[1]!.store)).toEqual(await bytes(inOrder.store));
});

test('layers of one camera, at once and after a fit, go into shared sinks the same way every time', async () => {
  const runs = [];
  for (const [one, other] of paces)
    runs.push(
      await digestOf([
        use(camera(one), {}, { id: 'a' }),
        use(camera(other), { seed: 2, layer: 'second' }, { id: 'b' }),
        use(tinted('fitted', true), {}, { id: 'fitted', from: 'a' }),
        use(tinted('quick', false), {}, { id: 'quick', from: 'a' }),
        use(gif, {}, { from: ['fitted', 'quick', 'b'] }),
        use(pictures, {}, { from: ['b', 'quick', 'fitted'] }),
        use(packageSink, {}, { from: ['pictures', 'gif'] }),
      ]),
    );
  expect(runs[0]!.paths).toHaveLength(3 + 24 + 1);
  expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
});

test('layers that are known to differ are written at once, each as if it were alone', async () => {
  const layers = ['fitted', 'quick', 'third'];
  const drawing = (named: boolean): StageUse[] => [
    use(
      camera(() => 0),
      {},
      { id: 'a' },
    ),
    ...layers.map((layer) => use(tinted(layer, layer === 'fitted', named), {}, { id: layer, from: 'a' })),
  ];
  const into = (from: string[], named = true) => definePipeline([...drawing(named), use(gif, {}, { id: 'gif', from })]);
  const waits = async (named: boolean): Promise<boolean> => {
    const { stages } = await plan(into(layers, named));
    return stages.at(-1)!.description.notes?.some((note) => note.includes('waits in the work folder')) ?? false;
  };
  expect(await waits(true)).toBe(false);
  expect(await waits(false), 'layers of the same name would go into one file').toBe(true);

  const written = async (from: string[]): Promise<Map<string, Uint8Array>> => {
    const store = memoryStore();
    await run(into(from), { store }).end;
    const files = from.map(async (layer): Promise<[string, Uint8Array]> => {
      const file = (await store.get(`gif/${layer}.gif`))!;
      return [layer, await file.read(0, file.size)];
    });
    return new Map(await Promise.all(files));
  };
  const together = await written(layers);
  for (const layer of layers) expect((await written([layer])).get(layer)).toEqual(together.get(layer));
});
