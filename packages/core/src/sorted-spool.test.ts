import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore } from './memory-store.ts';
import { sortedSpool, type SortedSpool } from './sorted-spool.ts';

async function all(spool: SortedSpool): Promise<[string, string][]> {
  const lines: [string, string][] = [];
  for await (const { key, line } of spool.inOrder()) lines.push([key, line]);
  return lines;
}

const scratch = () => memoryStore().scratch('lines');
const inOrder = (entries: readonly (readonly [string, string])[]) =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

test('gives all lines in the order of their keys, those of one key as they came, however few fit in memory', async () => {
  const entries = fc.array(fc.tuple(fc.constantFrom('a', 'a/b', 'B', 'é', '😀', 'z', ''), fc.string()));
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 40 }), async (lines, waiting) => {
      const spool = sortedSpool(scratch, waiting);
      for (const [key, line] of lines) await spool.add(key, line);
      expect(await all(spool)).toEqual(inOrder(lines));
    }),
  );
});

test('gives what had come when it was asked, also when nobody waits for what is added', async () => {
  const lines = Array.from({ length: 2000 }, (_, i): [string, string] => [`${(i * 7919) % 2000}`, 'x'.repeat(i % 50)]);
  const spool = sortedSpool(scratch, 500);
  for (const [key, line] of lines.slice(0, 1000)) void spool.add(key, line);
  const reading = spool.inOrder();
  const first = await reading.next();
  for (const [key, line] of lines.slice(1000)) void spool.add(key, line);
  const seen = [[first.value!.key, first.value!.line]];
  for await (const { key, line } of reading) seen.push([key, line]);
  expect(seen).toEqual(inOrder(lines.slice(0, 1000)));
  expect(await all(spool)).toEqual(inOrder(lines));
});

test('loses nothing of what is added while a piece is on its way to a slow scratch', async () => {
  const room = await scratch();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
  const slow = {
    read: room.read,
    append: async (bytes: Uint8Array) => {
      await pause();
      return room.append(bytes);
    },
  };
  const spool = sortedSpool(async () => slow, 100);
  const lines = Array.from({ length: 300 }, (_, i): [string, string] => [`${(i * 7919) % 300}`, `line ${i}`]);
  for (const [index, [key, line]] of lines.entries()) {
    void spool.add(key, line);
    if (index % 7 === 0) await pause();
    if (index % 50 === 0) expect((await all(spool)).length).toBe(index + 1);
  }
  expect(await all(spool)).toEqual(inOrder(lines));
});

test('needs no scratch for few lines, and passes on what it throws', async () => {
  const full = new Error('no room');
  const spool = sortedSpool(() => Promise.reject(full), 100);
  await spool.add('b', '1');
  await spool.add('a', '2');
  expect(await all(spool)).toEqual([
    ['a', '2'],
    ['b', '1'],
  ]);
  await expect(spool.add('c', 'x'.repeat(100))).rejects.toBe(full);
  await expect(all(spool)).rejects.toBe(full);
});

test('takes lines of any length among short ones, whatever comes of a read at once', async () => {
  const lines = Array.from({ length: 400 }, (_, i): [string, string] => [
    `${(i * 7919) % 400}`.padStart(5, '0'),
    `é${'x'.repeat(i % 37 === 0 ? 30_000 + i : i % 11)}`,
  ]);
  const spool = sortedSpool(scratch, 5000);
  for (const [key, line] of lines) await spool.add(key, line);
  for (let pass = 0; pass < 3; pass++) expect(await all(spool)).toEqual(inOrder(lines));
});
