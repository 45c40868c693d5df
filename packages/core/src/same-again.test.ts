import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Item } from './items.ts';
import { memoryStore } from './memory-store.ts';
import { definePipeline, use } from './pipeline.ts';
import { run } from './run.ts';
import { sameAgain } from './same-again.ts';
import { sha256 } from './sha256.ts';
import { spec } from './specs.ts';
import { defineSink, defineSource } from './stage.ts';
import type { RunStore } from './store.ts';

/** A store that counts what is written into it and how often its manifest is read. */
function counted() {
  const store = memoryStore();
  const seen = { written: 0, manifests: 0 };
  const counting: RunStore = {
    ...store,
    async get(path) {
      if (path === 'manifest.json') seen.manifests++;
      return store.get(path);
    },
    async writer(path) {
      const writing = await store.writer(path);
      return {
        ...writing,
        append(bytes) {
          seen.written += bytes.byteLength;
          return writing.append(bytes);
        },
      };
    },
  };
  return { store: counting, seen };
}

const bytesAt = async (store: RunStore, path: string): Promise<Uint8Array | undefined> => {
  const file = await store.get(path);
  return file?.read(0, file.size);
};

describe('a file that is written again', () => {
  const content = fc.uint8Array({ maxLength: 40 });
  const cut = (bytes: Uint8Array, at: readonly number[]): Uint8Array[] => {
    const places = [...new Set([0, ...at.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
      (a, b) => a - b,
    );
    return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
  };

  test('is what was appended, whatever was there, and nothing is written where it is the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        content,
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 4 }),
        async (old, other, equal, at) => {
          const { store, seen } = counted();
          await store.put('a', old);
          const wanted = equal ? old : other;
          const recorded: unknown[] = [];
          const writing = await sameAgain(store, 'a', { bytes: old.byteLength, sha256: sha256(old) });
          for (const piece of cut(wanted, at)) await writing.append(piece);
          const stored = await writing.commit(async (said) => void recorded.push(said));
          await writing.discard();
          expect(stored).toEqual({ bytes: wanted.byteLength, sha256: sha256(wanted) });
          expect(recorded).toEqual([stored]);
          expect(await bytesAt(store, 'a')).toEqual(wanted);
          if (sha256(wanted) === sha256(old)) expect(seen.written).toBe(0);
          else expect(seen.written).toBe(wanted.byteLength);
        },
      ),
    );
  });

  test('is written where it is gone, of another size, or not what its run said', async () => {
    const wanted = Uint8Array.of(1, 2, 3);
    for (const [there, said] of [
      [undefined, wanted],
      [Uint8Array.of(1, 2), wanted],
      [wanted, Uint8Array.of(3, 2, 1)],
    ] as const) {
      const { store, seen } = counted();
      if (there) await store.put('a', there);
      const writing = await sameAgain(store, 'a', { bytes: said.byteLength, sha256: sha256(said) });
      await writing.append(wanted);
      await writing.commit();
      expect(await bytesAt(store, 'a')).toEqual(wanted);
      expect(seen.written).toBe(3);
    }
  });

  test('that somebody changes meanwhile is an error, and nothing is seen of it', async () => {
    const { store } = counted();
    await store.put('a', Uint8Array.of(1, 2, 3, 4));
    const file = (await store.get('a'))!;
    const changing: RunStore = {
      ...store,
      get: async () => ({ ...file, read: async (at: number, length: number) => bytes.slice(at, at + length) }),
    };
    let bytes = Uint8Array.of(1, 2, 3, 4);
    const writing = await sameAgain(changing, 'a', { bytes: 4, sha256: sha256(bytes) });
    await writing.append(Uint8Array.of(1, 2));
    bytes = Uint8Array.of(9, 9, 3, 4);
    await expect(writing.append(Uint8Array.of(7))).rejects.toMatchObject({ code: 'E_FILE_CHANGED' });
    await writing.discard();
    expect(await bytesAt(store, 'a')).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
});

describe('a run that resumes a finished one', () => {
  const source = defineSource({
    type: 'numbers',
    summary: 'Counts.',
    options: z.strictObject({ count: z.int() }),
    examples: [],
    describe: (_, { options: { count } }) => ({ output: spec('value', {}, null, count) }),
    async *process(_, { options: { count } }): AsyncGenerator<Item> {
      for (let i = 0; i < count; i++) yield { kind: 'value', id: `v${i}`, key: String(i) } as never;
    },
  });
  const sink = defineSink({
    type: 'joined',
    summary: 'One file over time.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: spec('artifact', {}, null, 1) }),
    async *process(items: AsyncIterable<Item>, { output }) {
      const file = await output.writer({ path: 'all.bin', mediaType: 'application/octet-stream' });
      let key = '';
      for await (const item of items) {
        key += item.key;
        await file.append(new Uint8Array(1000).fill(Number(item.key)));
      }
      yield await file.commit({ key, about: { kind: 'artifact' } });
    },
  });
  const pipeline = (count: number) => definePipeline([use(source, { count }), use(sink)]);

  test('writes no file once more that comes out the same; one that grew is written whole', async () => {
    const { store, seen } = counted();
    await run(pipeline(3), { store }).end;
    expect(seen.written).toBe(3000);
    const first = (await run(pipeline(3), { store, resume: true }).result).manifest;
    expect(seen.written).toBe(3000);
    const { manifest } = await run(pipeline(5), { store, resume: true }).result;
    expect(seen.written).toBe(8000);
    expect((await bytesAt(store, 'all.bin'))!.byteLength).toBe(5000);
    expect([first, manifest].map(({ outputs }) => outputs.map(({ bytes }) => bytes))).toEqual([[3000], [5000]]);
  });

  test('reads the manifest once before it takes the store, and once when it has it', async () => {
    const { store, seen } = counted();
    await run(pipeline(2), { store }).end;
    seen.manifests = 0;
    await run(pipeline(2), { store, resume: true }).end;
    expect(seen.manifests).toBe(2);
  });
});
