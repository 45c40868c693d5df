import { afterEach, expect, test, vi } from 'vitest';
import { stepProgress } from './step-progress.ts';

afterEach(() => vi.restoreAllMocks());

test('the last of each step is among the JSON lines, whether or not its total is known', () => {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  const progress = stepProgress({ json: true });
  for (const done of [1, 2, 3]) progress.report('read', done, null);
  for (const done of [1, 2]) progress.report('fit', done, 9);
  progress.close();
  progress.close();
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { type: 'progress', step: 'read', done: 1, total: null },
    { type: 'progress', step: 'read', done: 3, total: null },
    { type: 'progress', step: 'fit', done: 1, total: 9 },
    { type: 'progress', step: 'fit', done: 2, total: 9 },
  ]);
});
