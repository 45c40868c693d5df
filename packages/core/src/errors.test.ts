// Errors of several copies of this package, of other stages, and wrapped on their way; items that are not as described.

import { lastValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CancelledError, ConfigError, DeepEarthError, InputError, StageError, stageErrorOf } from './errors.ts';
import type { Frame, Item } from './items.ts';
import { definePipeline, use } from './pipeline.ts';
import { plan } from './plan.ts';
import { run } from './run.ts';
import { spec, type StreamSpec } from './specs.ts';
import { defineSource, defineTransform, type StageDefinition } from './stage.ts';
import { zeros } from './tensor.ts';

/** The same module once more, as a plugin has it that brings its own copy. */
const copy = (await import(/* @vite-ignore */ `./errors.ts?${'copy'}`)) as typeof import('./errors.ts');

describe('errors of another copy of the package', () => {
  test('are of the same classes, and of no other', () => {
    expect(copy.InputError).not.toBe(InputError);
    const made = {
      DeepEarthError: new copy.DeepEarthError('no', { code: 'E_X' }),
      ConfigError: new copy.ConfigError([]),
      InputError: new copy.InputError('a.tif', 'is broken.'),
      StageError: new copy.StageError('a', undefined, 'no'),
      CancelledError: new copy.CancelledError(),
    };
    const classes = { DeepEarthError, ConfigError, InputError, StageError, CancelledError };
    for (const [name, error] of Object.entries(made))
      expect(Object.entries(classes).flatMap(([own, type]) => (error instanceof type ? [own] : []))).toEqual(
        Object.keys(classes).filter((own) => own === name || own === 'DeepEarthError'),
      );
    class Own extends InputError {}
    expect(new Own('a', 'b') instanceof Own).toBe(true);
    expect(new Own('a', 'b') instanceof InputError).toBe(true);
    expect(made.InputError instanceof Own).toBe(false);
    for (const other of [null, undefined, 'text', {}, new Error('no')])
      expect(other instanceof DeepEarthError).toBe(false);
  });

  test('keep their code when a stage throws them', () => {
    expect(
      new StageError('a', 'b', new copy.InputError('a.tif', 'is broken.', { code: 'E_FRAME_UNREADABLE' })).code,
    ).toBe('E_FRAME_UNREADABLE');
  });
});

describe('the error a stage ends with', () => {
  const broken = new StageError('frames', 'frame-3', new InputError('a.tif', 'is broken.'));
  const abort = (cause: unknown): Error =>
    Object.assign(new Error('This operation was aborted', { cause }), { name: 'AbortError' });

  test.each([
    ['that of another stage', broken],
    ['that of another stage, wrapped', new Error('reading failed', { cause: broken })],
    ['that of another stage, wrapped in aborts', abort(abort(broken))],
    [
      'that of a stage of a plugin with a copy of its own',
      new Error('no', { cause: new copy.StageError('x', 'y', broken) }),
    ],
  ])('is %s', (_, error) => {
    const found = stageErrorOf('gif', 'picture-1', error);
    expect(found).toBe(
      [error, error.cause, (error.cause as Error | undefined)?.cause].find((at) => at instanceof StageError),
    );
  });

  test('is what an abort was for, about this stage', () => {
    const cause = new InputError('a.tif', 'is broken.');
    expect(stageErrorOf('gif', 'picture-1', abort(cause))).toMatchObject({ stage: 'gif', code: 'E_INPUT', cause });
    const loop = new Error('loop');
    loop.cause = loop;
    expect(stageErrorOf('gif', undefined, loop)).toMatchObject({ stage: 'gif', code: 'E_STAGE' });
    expect(stageErrorOf('gif', undefined, abort(undefined)).message).toBe('gif: This operation was aborted');
  });

  test('reaches who runs the pipeline, though a later stage wraps it', async () => {
    const source = defineSource({
      type: 'broken',
      summary: 'Breaks.',
      options: z.strictObject({}),
      examples: [],
      describe: () => ({ output: spec('frame', {}, null) }),
      async *process() {
        yield { kind: 'frame', id: 'a', key: 'a' } as Frame;
        throw new copy.InputError('b.tif', 'is broken.');
      },
    });
    const wrapping = defineTransform({
      type: 'wrapping',
      summary: 'Wraps.',
      options: z.strictObject({}),
      examples: [],
      describe: (input) => ({ output: input! }),
      async *process(frames) {
        try {
          yield* frames;
        } catch (cause) {
          throw new Error('my input failed', { cause });
        }
      },
    });
    const failure: unknown = await run(definePipeline([use(source), use(wrapping)])).result.catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ stage: 'broken', code: 'E_INPUT', message: 'broken: b.tif: is broken.' });
  });
});

/** A stage that describes one thing and sends another. */
const sending = (described: StreamSpec, item: unknown, plugin?: string): StageDefinition => ({
  ...defineSource({
    type: 'sending',
    summary: 'Sends one item.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: described }),
    async *process() {
      yield item as Frame;
    },
  }),
  ...(plugin && { plugin }),
});

const tokens = (shape: number[], dtype: 'float32' | 'float64' = 'float32', more: object = {}): Item => ({
  kind: 'tokens',
  id: 't-0',
  key: 'k',
  ...{ values: zeros(dtype, shape), axes: ['token', 'channels'] },
  ...more,
});
const made = { origin: { kind: 'text' }, encoder: { name: 'own', fingerprint: 'f' } };
const described = spec('tokens', { token: null, channels: 4 }, 'float32');

describe('an item', () => {
  test.each<[string, StreamSpec, unknown]>([
    ['undefined in place of an item', described, undefined],
    ['null in place of an item', described, null],
    ['an item without the texts kind, id and key', described, { kind: 'tokens' }],
    ['an item of the kind embedding (t-0)', described, tokens([3, 4], 'float32', { kind: 'embedding' })],
    ['tokens [token 3, channels 5] float32 (t-0)', described, tokens([3, 5])],
    ['tokens [token 3, channels 4] float64 (t-0)', described, tokens([3, 4], 'float64')],
    ['tokens [row 3, channels 4] float32 (t-0)', described, tokens([3, 4], 'float32', { axes: ['row', 'channels'] })],
    ['tokens [token 12] float32 (t-0)', described, tokens([12])],
    [
      '2 values for the shape [3, 4] (t-0)',
      described,
      tokens([3, 4], 'float32', { values: { ...zeros('float32', [3, 4]), data: new Float32Array(2) } }),
    ],
    [
      'a frame of 3 x 2 (f-0)',
      spec('frame', { height: 2, width: 4, channels: 3 }, 'uint8'),
      { kind: 'frame', id: 'f-0', key: 'k', width: 3, height: 2 },
    ],
    [
      'a clip of 2 frames (c-0)',
      spec('clip', { time: 3 }, null),
      { kind: 'clip', id: 'c-0', key: 'k', frames: [1, 2] },
    ],
    ['an item of the kind tokens without origin, encoder (t-0)', described, tokens([3, 4])],
    [
      'an item of the kind tokens without axes (t-0)',
      described,
      tokens([3, 4], 'float32', { axes: undefined, ...made }),
    ],
    [
      'an item of the kind tokens without values (t-0)',
      described,
      tokens([3, 4], 'float32', { values: undefined, ...made }),
    ],
    [
      'an item of the kind frame without locator, read (f-0)',
      spec('frame', {}, null),
      { kind: 'frame', id: 'f-0', key: 'k', sequence: 's', number: 0, width: 3, height: 2 },
    ],
    [
      'an item of the kind picture without frame (p-0)',
      spec('picture', {}, null),
      { kind: 'picture', id: 'p-0', key: 'k', layer: 'l', pixels: zeros('uint8', [1, 1, 3]) },
    ],
  ])('that is %s is refused where another was described', async (wrong, output, item) => {
    const running = run(definePipeline([use(sending(output, item, './mine.mjs'))]));
    const failure: unknown = await running.result.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'E_NOT_AS_DESCRIBED', plugin: './mine.mjs' });
    expect((failure as Error).message).toContain(
      `source/sending of the plugin ./mine.mjs sent ${wrong}, and described ${output.kind}`,
    );
  });

  test('that is as described goes on, whatever was left open', async () => {
    for (const [output, item] of [
      [described, tokens([7, 4], 'float32', made)],
      [spec('tokens', {}, null), tokens([7, 9], 'float64', made)],
      [spec('note', {}, null), { kind: 'note', id: 'n', key: 'k' }],
    ] as const) {
      const running = run(definePipeline([use(sending(output, item, './mine.mjs'))]));
      const sent = lastValueFrom(running.items$('sending'));
      await running.result;
      expect(await sent).toBe(item);
    }
  });
});

describe('frames of a plugin', () => {
  const frame = (read: () => unknown): Frame =>
    ({
      kind: 'frame',
      id: 'f-0',
      key: 'k',
      sequence: 's',
      number: 0,
      width: 2,
      height: 1,
      locator: { source: 'source/sending', uri: 'x' },
      read,
    }) as Frame;
  const output = spec('frame', { height: 1, width: 2, channels: 3 }, 'uint8');
  const reading = defineTransform({
    type: 'reading',
    summary: 'Reads.',
    options: z.strictObject({}),
    examples: [],
    describe: (input) => ({ output: input! }),
    each: async (item: Frame) => (await item.read(), item),
  });
  const failureOf = (read: () => unknown): Promise<unknown> =>
    run(definePipeline([use(sending(output, frame(read), './mine.mjs')), use(reading)])).result.then(
      () => undefined,
      (error: unknown) => error,
    );

  test('fail in its name when others read them', async () => {
    expect(await failureOf(() => (undefined as unknown as { x: { y: number } }).x.y)).toMatchObject({
      stage: 'sending',
      plugin: './mine.mjs',
      cause: expect.any(TypeError),
    });
    expect(await failureOf(() => ({ values: zeros('uint8', [1, 2]), channels: [] }))).toMatchObject({
      code: 'E_NOT_AS_DESCRIBED',
    });
    expect(await failureOf(() => ({ values: zeros('uint16', [1, 2, 3]), channels: [] }))).toMatchObject({
      code: 'E_NOT_AS_DESCRIBED',
    });
    expect(
      await failureOf(() => {
        throw new InputError('x', 'is broken.');
      }),
    ).toMatchObject({ stage: 'reading', code: 'E_INPUT' });
    expect(
      await failureOf(() => ({ values: zeros('uint8', [1, 2, 3]), channels: ['red', 'green', 'blue'] })),
    ).toBeUndefined();
  });
});

test('a describe or survey that fails names its stage and plugin', async () => {
  const failing = (part: 'describe' | 'survey', plugin: string): StageDefinition => ({
    ...sending(described, tokens([1, 4]), plugin),
    [part]: () => (undefined as unknown as { x: { y: number } }).x.y,
  });
  for (const part of ['describe', 'survey'] as const)
    await expect(plan(definePipeline([use(failing(part, './mine.mjs'))]))).rejects.toMatchObject({
      stage: 'sending',
      item: part,
      plugin: './mine.mjs',
      cause: expect.any(TypeError),
    });
  for (const nothing of [undefined, null, {}, { output: {} }, 'tokens'])
    await expect(
      plan(definePipeline([use({ ...sending(described, tokens([1, 4])), describe: () => nothing as never })])),
    ).rejects.toThrow('it returns neither { output: spec(…) } nor a refusal');
});
