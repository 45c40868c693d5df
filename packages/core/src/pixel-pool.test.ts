import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Picture } from './items.ts';
import { definePipeline, use } from './pipeline.ts';
import { pixelPool } from './pixel-pool.ts';
import { run } from './run.ts';
import { defineRenderer, defineSink, defineSource } from './stage.ts';
import { spec } from './specs.ts';
import { tensor } from './tensor.ts';

const picture = (data: Uint8Array): Picture =>
  ({
    kind: 'picture',
    id: 'a',
    key: '',
    layer: 'l',
    pixels: tensor('uint8', [1, data.length / 3, 3], data),
  }) as Picture;

test('pixels are used again when all who were sent them have released them', () => {
  const pool = pixelPool();
  const array = pool.take(12);
  pool.sent(picture(array), 2);
  pool.release(picture(array));
  expect(pool.take(12)).not.toBe(array);
  pool.release(picture(array));
  expect(pool.take(15)).not.toBe(array);
  expect(pool.take(12)).toBe(array);
});

test('pixels that another stage hands on stay with it, also when all that it was sent to release them', () => {
  const pool = pixelPool();
  const array = pool.take(12);
  pool.sent(picture(array), 2);
  pool.sent(picture(array), 1);
  pool.release(picture(array));
  pool.release(picture(array));
  expect(pool.take(12)).not.toBe(array);
});

test('what was not taken here, or was sent to nobody, is nobody else’s', () => {
  const pool = pixelPool();
  const foreign = new Uint8Array(12);
  pool.sent(picture(foreign), 1);
  pool.release(picture(foreign));
  expect(pool.take(12)).not.toBe(foreign);
  const array = pool.take(12);
  pool.release(picture(array));
  expect(pool.take(12)).not.toBe(array);
});

test('no more is kept than it may; what was released first goes first', () => {
  const pool = pixelPool(30);
  const arrays = [12, 12, 12].map((bytes) => pool.take(bytes));
  for (const array of arrays) {
    pool.sent(picture(array), 1);
    pool.release(picture(array));
  }
  expect(pool.take(12)).toBe(arrays[1]);
  expect(pool.take(12)).toBe(arrays[2]);
  expect(arrays).not.toContain(pool.take(12));
});

const options = z.strictObject({});
const output = spec('picture', { height: 1, width: 4, channels: 3 }, 'uint8', 40);
const about = { summary: 'A test.', options, examples: [] };

/** Draws forty pictures, each of its own number, in pixels of the run. */
const drawing = (taken: Set<Uint8Array>) =>
  defineSource({
    ...about,
    type: 'drawing',
    describe: () => ({ output }),
    async *process(_, { pixels }) {
      for (let number = 0; number < 40; number++) {
        const array = pixels.take(12).fill(number);
        taken.add(array);
        yield { ...picture(array), id: `p${number}`, key: `${number}` } as never;
      }
    },
  });

/** Looks at each picture some time after it came, and releases it then, or never. */
const looking = (type: string, wrong: string[], releases: boolean) =>
  defineSink({
    ...about,
    type,
    describe: () => ({ output: spec('artifact', {}, null, 0) }),
    async *process(items, { pixels }) {
      for await (const item of items as unknown as AsyncIterable<Picture>) {
        await new Promise((resolve) => setTimeout(resolve, Number(item.key) % 3));
        if (!item.pixels.data.every((value) => value === Number(item.key))) wrong.push(`${type} ${item.id}`);
        if (releases) pixels.release(item);
      }
    },
  });

/** Sends the pictures on as its own. */
const handing = defineRenderer({
  ...about,
  type: 'handing',
  describe: () => ({ output }),
  async *process(items) {
    for await (const item of items as unknown as AsyncIterable<Picture>) yield { ...item, id: `h${item.id}` };
  },
});

test('in a run a few arrays serve many pictures, and no consumer sees the pixels of another one', async () => {
  const [taken, wrong] = [new Set<Uint8Array>(), [] as string[]];
  const stages = [
    use(drawing(taken), {}, { id: 'd' }),
    use(looking('one', wrong, true), {}, { from: 'd' }),
    use(looking('two', wrong, true), {}, { from: 'd' }),
  ];
  await run(definePipeline(stages)).end;
  expect(wrong).toEqual([]);
  expect(taken.size).toBeLessThan(12);
});

test('arrays are left alone where one consumer keeps or hands on the pictures, or a program listens', async () => {
  for (const other of [looking('keeping', [], false), handing]) {
    const [taken, wrong] = [new Set<Uint8Array>(), [] as string[]];
    const stages = [
      use(drawing(taken), {}, { id: 'd' }),
      use(looking('one', wrong, true), {}, { from: 'd' }),
      use(other as typeof handing, {}, { id: 'other', from: 'd' }),
      ...(other === handing ? [use(looking('behind', wrong, true), {}, { from: 'other' })] : []),
    ];
    await run(definePipeline(stages)).end;
    expect(wrong).toEqual([]);
    expect(taken.size).toBe(40);
  }
  const [taken, heard] = [new Set<Uint8Array>(), [] as Picture[]];
  const running = run(
    definePipeline([use(drawing(taken), {}, { id: 'd' }), use(looking('one', [], true), {}, { from: 'd' })]),
  );
  running.items$('d').subscribe((item) => heard.push(item as Picture));
  await running.end;
  expect(heard.every(({ key, pixels }) => pixels.data.every((value) => value === Number(key)))).toBe(true);
  expect(heard).toHaveLength(40);
});
