import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clipProgress } from './clip-progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is told, as `done` or `done (estimated)`. */
function told(total: number | null) {
  const lines: string[] = [];
  const progress = (_: string, done: number, __: number | null, estimated?: number): void =>
    void lines.push(estimated === undefined ? String(done) : `${done} (${estimated.toFixed(2)})`);
  return { lines, watch: clipProgress({ progress }, total) };
}

test('of a long call it is told each second how far it is, by the calls before', () => {
  const { lines, watch } = told(3);
  let end = watch.begin(1);
  vi.advanceTimersByTime(10_000);
  end();
  watch.done();
  // Nothing is known in the first call.
  expect(lines).toEqual(['1']);
  end = watch.begin(1);
  vi.advanceTimersByTime(15_500);
  end();
  watch.done();
  const parts = Array.from({ length: 12 }, (_, i) => `1 (${(1 + Math.min(0.99, (i + 4) / 10)).toFixed(2)})`);
  expect(lines).toEqual(['1', ...parts, '2']);
  watch.close();
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(14);
});

test('calls of a few moments are not told of; tiles and batches count as the parts of clips that they are', () => {
  const { lines, watch } = told(null);
  watch.begin(1)();
  watch.done();
  const short = watch.begin(1);
  vi.advanceTimersByTime(2900);
  short();
  watch.done();
  expect(lines).toEqual(['1', '2']);
  const pieces = told(10);
  for (let tile = 0; tile < 3; tile++) {
    const end = pieces.watch.begin(0.25);
    vi.advanceTimersByTime(4000);
    end();
  }
  expect(pieces.lines.at(-1)).toBe('0 (0.75)');
  const batch = told(10);
  let end = batch.watch.begin(2);
  vi.advanceTimersByTime(8000);
  end();
  batch.watch.done();
  batch.watch.done();
  end = batch.watch.begin(2);
  vi.advanceTimersByTime(4000);
  end();
  expect(batch.lines).toEqual(['1', '2', '2 (3.00)']);
});
