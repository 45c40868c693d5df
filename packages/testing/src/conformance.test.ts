import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, lineage, refuse, spec, tensor, type Artifact, type Item, type Tensor } from '@deepearth/core';
import {
  defineAggregator,
  defineSink,
  defineSource,
  defineWindower,
  type StageDefinition,
} from '@deepearth/core/stage';
import { bufferCount, map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checks, findProblems } from './conformance.ts';
import { describeStage } from './describe-stage.ts';
import { given } from './given.ts';
import type { AnyStage, Subject } from './subject.ts';

interface Value extends Item {
  readonly kind: 'value';
  readonly values: Tensor<'float32'>;
}
const valueSpec = spec('value', { channels: 1 }, 'float32');
const value = (n: number): Value => ({
  kind: 'value',
  id: `value-${n}`,
  key: lineage('value', n),
  values: tensor('float32', [1], Float32Array.of(n)),
});
const values = (count = 6) => [
  given(
    Array.from({ length: count }, (_, n) => value(n)),
    valueSpec,
  ),
];
const noOptions = z.strictObject({});
const wantValues = (kind: string | undefined) =>
  kind === 'value' ? undefined : refuse(`it takes values, not ${kind}`);

const numbers = defineSource({
  type: 'numbers',
  summary: 'Counts.',
  options: z.strictObject({ count: z.int().min(0).default(5).describe('How many.') }),
  examples: ['- type: source/numbers\n  with: { count: 3 }'],
  describe: (_, { options }) => ({ output: { ...valueSpec, count: options.count } }),
  async *process(_, { options, signal }) {
    for (let n = 0; n < options.count; n++) {
      signal.throwIfAborted();
      yield value(n) as never;
    }
  },
});

const doubled = defineWindower({
  type: 'doubled',
  summary: 'Multiplies.',
  options: z.strictObject({ by: z.number().default(2).describe('By how much.') }),
  examples: ['- type: windower/doubled'],
  describe: (input) => wantValues(input?.kind) ?? { output: input! },
  each(item, { options, key }) {
    const { id, key: before, values: tokens } = item as unknown as Value;
    if (Number.isNaN(tokens.data[0])) throw new InputError(id, 'is not a number.');
    return {
      kind: 'value',
      id,
      key: key(before),
      values: tensor(
        'float32',
        [1],
        tokens.data.map((x) => x * options.by),
      ),
    } as never;
  },
});

const sums = defineAggregator({
  type: 'sums',
  summary: 'Adds everything up and sends it at the end.',
  options: noOptions,
  examples: ['- type: aggregator/sums'],
  describe: (input) => wantValues(input?.kind) ?? { output: { ...input!, count: null }, drains: true },
  async *process(items, { key }) {
    const all: Value[] = [];
    for await (const item of items as unknown as AsyncIterable<Value>) all.push(item);
    for (const item of all) yield { ...item, key: key(item.key) } as never;
  },
});

const files = defineSink({
  type: 'files',
  summary: 'Writes a file for every value.',
  options: noOptions,
  examples: ['- id: out\n  type: sink/files\n  onError: skip'],
  describe: (input) => wantValues(input?.kind) ?? { output: spec('artifact', {}, null, input!.count) },
  each: (item, { output }): Promise<Artifact> =>
    output.write({ path: `${item.id}.txt`, mediaType: 'text/plain', key: item.key }, new TextEncoder().encode(item.id)),
});

const pairs = defineWindower({
  type: 'pairs',
  summary: 'Takes values two by two.',
  options: noOptions,
  examples: ['- type: windower/pairs'],
  describe: (input) =>
    wantValues(input?.kind) ?? {
      output: { ...input!, count: input!.count === null ? null : Math.ceil(input!.count / 2) },
    },
  operator:
    ({ key }) =>
    (source$) =>
      source$.pipe(
        bufferCount(2),
        map((both) => ({ ...(both[0] as unknown as Value), key: key(...both.map((one) => one.key)) }) as never),
      ),
});

describeStage(numbers, {
  otherOptions: { count: 7 },
  output: (items) => expect(items.map(({ id }) => id)).toEqual(['value-0', 'value-1', 'value-2', 'value-3', 'value-4']),
});
describeStage(doubled, {
  inputs: () => values(),
  otherOptions: { by: 3 },
  broken: {
    inputs: () => [given([value(1), value(NaN), value(2)], valueSpec)],
    says: /value-NaN: is not a number/,
    left: 2,
  },
});
describeStage(sums, { inputs: () => values() });
describeStage(files, { inputs: () => values() });
describeStage(pairs, { inputs: () => values() });

/** The output folder above a stage's work folder; no stage has to know it. */
const outputOf = (workFolder: string): string => join(workFolder, '..', '..', '..');

/** The stage above, for a body of another kind. */
const { each: _, ...bodiless }: AnyStage = doubled;

describe('the conformance suite', () => {
  const inputs = (): ReturnType<typeof values> => values();
  const bad = (
    stage: StageDefinition<any, any, any, any, any>,
    change: Partial<AnyStage>,
    subject: Subject = { inputs, patienceSeconds: 0.5 },
  ) => findProblems({ ...stage, ...change }, subject);
  const process = (
    body: (
      items: AsyncIterable<Value>,
      context: Parameters<NonNullable<AnyStage['process']>>[1],
    ) => AsyncIterable<unknown>,
  ): Partial<AnyStage> =>
    ({
      each: undefined,
      process: body as never,
    }) as never;

  test('finds nothing wrong with a good stage', async () => {
    expect(await bad(doubled, {})).toEqual([]);
  });

  test('wants items for a stage that takes some', async () => {
    await expect(findProblems(doubled)).rejects.toThrow('windower/doubled takes items');
  });

  test.each<[string, Partial<AnyStage>, RegExp]>([
    ['a name that is not kebab-case', { type: 'windower/Doubled_Values' }, /lower case with hyphens/],
    [
      'a kind that does not fit the type',
      { type: 'encoder/doubled', examples: ['- type: encoder/doubled'] },
      /does not begin with its kind/,
    ],
    ['a summary without a full stop', { summary: 'multiplies' }, /full stop/],
    ['`reads`, which is for sources', { reads: ['by'] }, /only a source has `reads`/],
    [
      'a name in `reads` that is no option',
      { kind: 'source', type: 'source/doubled', examples: ['- type: source/doubled'], reads: ['folder'] },
      /names folder, which is no option/,
    ],
    ['a name in `placement` that is no option', { placement: ['device'] }, /names device, which is no option/],
    ['a summary of two sentences', { summary: 'Multiplies. And adds.' }, /more than one sentence/],
    [
      'options that are not strict',
      { options: z.object({ by: z.number().default(2).describe('By how much.') }) },
      /takes? (an option called noSuchOption|unknown names)/,
    ],
    [
      'an option without description',
      { options: z.strictObject({ by: z.number().default(2) }) },
      /by has no description/,
    ],
    [
      'an option nested in another without description',
      {
        options: z.strictObject({
          by: z.number().default(2).describe('x'),
          more: z.strictObject({ deep: z.number() }).optional().describe('x'),
        }),
      },
      /more\.deep has no description/,
    ],
    [
      'an option with an underscore',
      {
        options: z.strictObject({
          by: z.number().default(2).describe('x'),
          how_much: z.number().optional().describe('x'),
        }),
      },
      /how_much is not camelCase/,
    ],
    [
      'options that change when read again',
      {
        options: z.strictObject({
          by: z
            .number()
            .default(2)
            .transform((x) => x * 2)
            .describe('x'),
        }),
      },
      /change when they are read again|cannot be said/,
    ],
    ['no examples', { examples: [] }, /no examples/],
    ['an example that is no list', { examples: ['type: windower/doubled'] }, /no list/],
    ['an example of another form', { examples: ['- windower/doubled: { by: 3 }'] }, /without a type/],
    [
      'an example with an option it has not',
      { examples: ['- type: windower/doubled\n  with: { bye: 3 }'] },
      /do not parse/,
    ],
    ['an example that is no YAML', { examples: ['- type: [windower'] }, /no YAML/],
    ['an example of something else', { examples: ['- type: windower/other'] }, /does not use/],
    [
      'a description that changes',
      {
        describe: (() => {
          let count = 0;
          return () => ({ output: { ...valueSpec, count: count++ } });
        })(),
      },
      /differently the second time/,
    ],
    [
      'a description that writes into what it is given',
      {
        describe: (input) => {
          (input!.axes as { name: string; size: number }[])[0]!.size = 2;
          return { output: input! };
        },
      },
      /describe throws/,
    ],
    ['a description that takes time', { describe: (async () => ({ output: valueSpec })) as never }, /promise/],
    ['a description that takes everything', { describe: (input) => ({ output: input ?? valueSpec }) }, /return refuse/],
    [
      'a refusal without a reason',
      { describe: (input) => (input?.kind === 'value' ? { output: input } : refuse('no')) },
      /says too little/,
    ],
    [
      'a wrong axis',
      {
        describe: (input) =>
          wantValues(input?.kind) ?? { output: spec('value', { channels: 3 }, 'float32', input!.count) },
      },
      /has 1 along channels, describe says 3/,
    ],
    [
      'a wrong dtype',
      { describe: (input) => wantValues(input?.kind) ?? { output: { ...input!, dtype: 'uint8' } } },
      /is float32, describe says uint8/,
    ],
    [
      'a wrong count',
      { describe: (input) => wantValues(input?.kind) ?? { output: { ...input!, count: 2 } } },
      /6 items came out, describe says 2/,
    ],
    [
      'a wrong kind',
      { describe: (input) => wantValues(input?.kind) ?? { output: { ...input!, kind: 'clip' } } },
      /describe says clip/,
    ],
    [
      'a size that is no number',
      { describe: (input) => wantValues(input?.kind) ?? { output: input!, memoryBytes: NaN } },
      /bytes of memory/,
    ],
    ['an id used twice', { each: (item: Value) => ({ ...item, id: 'value' }) }, /two items have the id/],
    ['a key that is no digest', { each: (item: Value) => ({ ...item, key: item.id }) }, /no hex digest/],
    [
      'one key for different values',
      { each: (item: Value) => ({ ...item, key: lineage('same') }) },
      /one key, but hold different values/,
    ],
    [
      'values that change',
      {
        each: (() => {
          let n = 0;
          return (item: Value) => ({ ...item, values: tensor('float32', [1], Float32Array.of(n++)) });
        })(),
      },
      /another the second time/,
    ],
    [
      'a failure on one item that is no InputError',
      {
        each: (_: Value) => {
          throw new Error('oh');
        },
      },
      /no InputError/,
    ],
    [
      'items made of nothing',
      process(async function* (items) {
        for await (const item of items) yield item;
        yield value(99);
      }),
      /makes 1 items of nothing/,
    ],
    [
      'an input error swallowed',
      process(async function* (items) {
        try {
          for await (const item of items) yield item;
        } catch {
          /* on purpose */
        }
      }),
      /as if nothing were wrong/,
    ],
    [
      'an input error whose cause is lost',
      process(async function* (items) {
        try {
          for await (const item of items) yield item;
        } catch {
          throw new Error('something');
        }
      }),
      /the cause is lost/,
    ],
    [
      'everything taken first',
      process(async function* (items) {
        const all: Value[] = [];
        for await (const item of items) all.push(item);
        yield* all;
      }),
      /say drains: true/,
    ],
    [
      'taking ahead',
      process(async function* (items) {
        const queue: Promise<IteratorResult<Value>>[] = [];
        const iterator = items[Symbol.asyncIterator]();
        const failing: unknown[] = [];
        for (;;) {
          while (queue.length < 5) {
            const next = iterator.next();
            next.catch((error: unknown) => failing.push(error));
            queue.push(next);
          }
          const next = await queue.shift()!;
          if (next.done) return;
          yield next.value;
        }
      }),
      /items before its consumer needs them/,
    ],
    [
      'a hang at the end',
      process(async function* (items) {
        for await (const item of items) yield item;
        await new Promise(() => undefined);
      }),
      /hangs|nothing happened/,
    ],
    [
      'a half-written file of an aborted drain',
      process(async function* (items, { signal, workFolder }) {
        const all: Value[] = [];
        for await (const item of items) all.push(item);
        const half = join(outputOf(await workFolder()), 'half.txt');
        await writeFile(half, 'x');
        await new Promise((resolve) => setTimeout(resolve, 20));
        signal.throwIfAborted();
        await rm(half);
        yield* all;
      }),
      /after the end of its input it leaves half\.txt behind/,
    ],
    [
      'a promise to drain that is not kept',
      { describe: (input) => wantValues(input?.kind) ?? { output: input!, drains: true } },
      /before everything came in/,
    ],
  ])('finds %s', async (_, change, says) => {
    const problems = await bad(doubled, change);
    expect(problems.join('\n')).toMatch(says);
  });

  test('finds a file that was written beside the output folder’s own way', async () => {
    const stray = {
      each: async (item: Value, { workFolder }: { workFolder: () => Promise<string> }) => (
        await writeFile(join(outputOf(await workFolder()), 'stray.txt'), 'x'),
        item
      ),
    } as never;
    expect((await bad(doubled, stray)).join('\n')).toMatch(/stray\.txt in the output folder/);
  });

  test('finds an artifact that was changed after it was written', async () => {
    const changed = {
      each: async (item: Value, { output, workFolder }: Parameters<NonNullable<AnyStage['each']>>[1]) => {
        const artifact = await output.write(
          { path: `${item.id}.txt`, mediaType: 'text', key: item.key },
          new Uint8Array(3),
        );
        await appendFile(join(outputOf(await workFolder()), artifact.path), 'more');
        return artifact;
      },
    } as never;
    const problems = (await bad(files, changed)).join('\n');
    expect(problems).toMatch(/has 7 bytes, the artifact says 3/);
    expect(problems).toMatch(/another digest/);
    expect(problems).toMatch(/media type/);
  });

  test('finds a source that goes on after it was aborted', async () => {
    const deaf = {
      process: async function* () {
        for (let n = 0; n < 9; n++) yield value(n);
      },
      describe: () => ({ output: { ...valueSpec, count: 9 } }),
    } as never;
    expect((await bad(numbers, deaf, {})).join('\n')).toMatch(/8 items come out after it was aborted/);
  });

  const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /** Two values are enough, and a stage that ignores its signal takes its time with each. */
  const few: Subject = { inputs: () => values(2) };

  test.each<[string, string, AnyStage, RegExp]>([
    [
      'works on one item for a second',
      ' while',
      { ...doubled, each: async (item, context) => (await pause(1000), doubled.each!(item, context)) },
      /after it took its last item it goes on for \d+ ms, 900 ms are allowed/,
    ],
    [
      'fits for a second after its last item',
      ' while',
      {
        ...sums,
        async *process(items, { key }) {
          const all: Value[] = [];
          for await (const item of items) all.push(item);
          await pause(1000);
          for (const item of all) yield { ...item, key: key(item.key) };
        },
      },
      /after the end of its input it goes on for \d+ ms/,
    ],
    [
      'computes for a second without a turn for anybody else',
      ' while',
      {
        ...sums,
        async *process(items, { key }) {
          const all: Value[] = [];
          for await (const item of items) all.push(item);
          await pause(35);
          for (const until = performance.now() + 1000; performance.now() < until;);
          for (const item of all) yield { ...item, key: key(item.key) };
        },
      },
      /30 ms after the end of its input it goes on for \d+ ms/,
    ],
    [
      'cleans up for a second',
      ':',
      {
        ...bodiless,
        async *process(items, context) {
          try {
            for await (const item of items) yield (await doubled.each!(item, context)) as unknown as Item;
          } finally {
            await pause(1000);
          }
        },
      },
      /aborted half-way it goes on for \d+ ms/,
    ],
  ])('finds a stage that, aborted, %s', { timeout: 120_000 }, async (_, moment, deaf, says) => {
    const law = checks.find(({ title }) => title.startsWith(`ends soon when it is aborted${moment}`))!;
    expect((await law.find(deaf, few)).join('\n')).toMatch(says);
  });

  test('lets a stage take a moment to end once it is aborted, and longer where it says so', async () => {
    const slow = (milliseconds: number): AnyStage => ({
      ...bodiless,
      async *process(items, context) {
        try {
          for await (const item of items) yield (await doubled.each!(item, context)) as unknown as Item;
        } finally {
          if (context.signal.aborted) await pause(milliseconds);
        }
      },
    });
    expect(await findProblems(slow(100), few)).toEqual([]);
    expect(await findProblems(slow(600), { ...few, abortMilliseconds: 5000 })).toEqual([]);
  });

  test('finds broken items taken without a word, and errors that are no InputErrors', async () => {
    const inputs2 = () => [given([value(NaN)], valueSpec)];
    const silent = await findProblems({ ...doubled, each: (item: Value) => item } as never, {
      inputs,
      broken: { inputs: inputs2, says: /./ },
    });
    expect(silent.join('\n')).toMatch(/without a word/);
    const rude = await findProblems(
      {
        ...doubled,
        each: () => {
          throw new TypeError('x is undefined');
        },
      } as never,
      { inputs, broken: { inputs: inputs2, says: /not a number/, left: 3 } },
    );
    expect(rude.join('\n')).toMatch(/does not say/);
    expect(rude.join('\n')).toMatch(/its error is no InputError/);
    expect(rude.join('\n')).toMatch(/0 items come out, not 3/);
  });

  test('passes the assertions of the test on', async () => {
    const problems = await findProblems(doubled, { inputs, output: (items) => expect(items).toHaveLength(2) });
    expect(problems.join('\n')).toMatch(/expected .* to have a length of 2/);
  });

  test('asks the stage itself, so that equal can be looser than bytes', async () => {
    let n = 0;
    const drifting = {
      ...doubled,
      each: (item: Value) => ({
        ...item,
        key: lineage(item.key),
        values: tensor('float32', [1], Float32Array.of(item.values.data[0]! + 1e-6 * n++)),
      }),
    } as never;
    const near = (a: Item, b: Item) => Math.abs((a as Value).values.data[0]! - (b as Value).values.data[0]!) < 1e-3;
    expect(await findProblems(drifting, { inputs, equal: near })).toEqual([]);
    expect(await findProblems(drifting, { inputs })).not.toEqual([]);
  });
});
