import { expect, test } from 'vitest';
import fc from 'fast-check';
import { memoryStore } from './memory-store.ts';
import { runNotes } from './notes.ts';

test('notes come back to a run that resumes, in order, and each stage gets its own', async () => {
  const store = memoryStore();
  const first = runNotes(store, false);
  expect(first.kept()).toBe(false);
  await first.of('a').add('1', '2');
  await first.of('b').add('x');
  await store.appendJournal('{"notes": torn', JSON.stringify({ path: 'file' }));
  await first.of('b').clear();
  expect(first.kept()).toBe(true);
  const second = runNotes(store, true);
  const again = second.of('a');
  expect(await again.former()).toEqual(['1', '2']);
  expect(second.kept()).toBe(true);
  await again.add('3');
  expect(await runNotes(store, true).of('a').former()).toEqual(['1', '2', '3']);
  expect(await runNotes(store, true).of('b').former()).toEqual([]);
  const anew = runNotes(store, false).of('a');
  expect(await anew.former()).toEqual([]);
  await anew.add('4');
  await anew.add('5');
  expect(await runNotes(store, true).of('a').former()).toEqual(['4', '5']);
});

test('whatever runs come after one another, a run that resumes knows what was added since the last that did not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ resume: fc.boolean(), lines: fc.array(fc.string(), { minLength: 1 }), clear: fc.boolean() }),
      ),
      async (runs) => {
        const store = memoryStore();
        let expected: string[] = [];
        for (const { resume, lines, clear } of runs) {
          const notes = runNotes(store, resume).of('s');
          expect(await notes.former()).toEqual(resume ? expected : []);
          if (!resume || clear) expected = [];
          if (clear) await notes.clear();
          await notes.add(...lines);
          expected = [...expected, ...lines];
        }
      },
    ),
  );
});
