import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { listRows, type ListRow } from './list-rows.ts';

const folder = await mkdtemp(join(tmpdir(), 'rows-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
let serial = 0;
const signal = new AbortController().signal;
async function rowsOf(text: string): Promise<ListRow[]> {
  const path = join(folder, `${serial++}.csv`);
  await writeFile(path, text);
  const found: ListRow[] = [];
  for await (const row of listRows(path, { signal })) found.push(row);
  return found;
}

const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;
const field = fc.string({ unit: fc.constantFrom('a', 'ü', '"', ',', ';', '\n', '\r\n', ' ', '\t', '😀') });

test('what is written with quotation marks is read as it was, whatever parts fields and lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.constantFrom('\n', '\r\n'),
      async (records, delimiter, newline) => {
        // Rows of nothing but blanks are passed over.
        fc.pre(records.every((record) => record.some((each) => each.trim() !== '')));
        const text = [['path', 'note'], ...records].map((record) => record.map(quoted).join(delimiter)).join(newline);
        const rows = await rowsOf(text);
        expect(rows.map(({ fields, problem }) => [problem, fields['path'], fields['note']])).toEqual(
          records.map(([path, note]) => [undefined, path.replaceAll('\r', ''), note.replaceAll('\r', '')]),
        );
        let line = 2;
        for (const [index, record] of records.entries()) {
          expect(rows[index]!.line).toBe(line);
          line += 1 + record.join('').split('\n').length - 1;
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('JSON lines are read as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(field, fc.jsonValue({ maxDepth: 0 })), { minLength: 1 }),
      async (objects) => {
        const clean = objects.map((object) => ({ path: 'x', ...object }));
        const rows = await rowsOf(clean.map((object) => JSON.stringify(object)).join('\n'));
        expect(rows.map(({ fields, line }) => [line, fields])).toEqual(
          clean.map((object, index) => [index + 1, JSON.parse(JSON.stringify(object))]),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('text that comes in many pieces is one text, and a reader that leaves early closes the file', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `ü${i}.png,${'x'.repeat(i % 17)}`);
  const rows = await rowsOf(`path,note\n${lines.join('\n')}\n`);
  expect(rows.length).toBe(lines.length);
  expect(rows.every(({ fields, line }, i) => fields['path'] === `ü${i}.png` && line === i + 2)).toBe(true);
  const path = join(folder, 'left.csv');
  await writeFile(path, `path\n${lines.join('\n')}\n`);
  for await (const { line } of listRows(path, { signal })) {
    expect(line).toBe(2);
    break;
  }
});

test('stops when it is aborted', async () => {
  const path = join(folder, 'aborted.csv');
  await writeFile(path, 'path\na.png\n');
  const reading = listRows(path, { signal: AbortSignal.abort(new Error('enough')) });
  await expect(reading.next()).rejects.toThrow('enough');
});
