import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geometryOf, spec, type Item, type TokenGrid } from '@deepearth/core';
import { runStage } from '@deepearth/runtime';
import { describeStage } from '@deepearth/testing';
import { afterAll, expect, test } from 'vitest';
// @ts-expect-error A plugin is plain JavaScript.
import { notes, words } from './notes.mjs';

const file = join(import.meta.dirname, 'notes.txt');
const folder = mkdtempSync(join(tmpdir(), 'notes-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

describeStage(notes, {
  options: { file },
  output: (found: readonly Item[]) => {
    expect(found).toHaveLength(12);
    expect(found[2]).toMatchObject({ kind: 'note', at: '2024-05-01T06:00:00Z', line: 3 });
  },
  broken: { options: { file: 'nowhere.txt' }, says: /nowhere\.txt: cannot be read/ },
});

const note = (line: number, text: string) => ({
  kind: 'note',
  id: `note-${line}`,
  key: `${line}${text}`,
  at: '2024-05-01T06:00:00Z',
  text,
  uri: 'notes.txt',
  line,
});
const given = (texts: readonly string[]) => [
  { items: texts.map((text, i) => note(i + 1, text)), spec: spec('note', {}, null, texts.length) },
];

describeStage(words, {
  otherOptions: { channels: 64 },
  inputs: () => given(['one crane', 'two cranes calling', 'fog', 'rain over the reed bed']),
  output: ([first, second]: readonly TokenGrid[]) => {
    expect([first!.values.shape, second!.values.shape]).toEqual([
      [2, 128],
      [3, 128],
    ]);
    expect(geometryOf(first!)).toBeUndefined();
    const [crane, cranes] = [first!.values.data.slice(128, 256), second!.values.data.slice(128, 256)];
    const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
    expect(cosine(crane, cranes)).toBeGreaterThan(0.5);
    expect(cosine(crane, second!.values.data.slice(256))).toBeLessThan(0.4);
  },
  broken: { inputs: () => given(['fog', '...', 'rain']), says: /notes\.txt:2: has no word/, left: 2 },
});

test('a line without an instant is named', async () => {
  const path = join(folder, 'broken.txt');
  writeFileSync(path, '2024-05-01T04:50:00Z  Fog.\n\nyesterday  Rain.\n');
  const read = async (): Promise<void> => {
    for await (const _note of runStage(notes, { options: { file: path } }));
  };
  await expect(read()).rejects.toThrow(/broken\.txt:3: "yesterday {2}Rain\." does not begin with an instant/);
});
