import type { RunEvent } from '@deepearth/core/events';
import { describe, expect, it } from 'vitest';
import { progressLines } from './progress-lines.ts';
import { advance, noProgress, rateOf, secondsLeft, type RunProgress } from './run-progress.ts';

const started: RunEvent = {
  type: 'run-started',
  output: '/out',
  stages: [
    { id: 'frames', type: 'source/frames', count: 8 },
    { id: 'umap', type: 'reducer/umap', count: null },
  ],
};
const item = (stage: string, out: number): RunEvent => ({ type: 'item', stage, item: `item-${out}`, out });

/** Events with the millisecond at which they come. */
const fold = (...events: readonly (readonly [number, RunEvent])[]): RunProgress =>
  events.reduce((progress, [at, event]) => advance(progress, event, at), noProgress(0));

describe('the progress of a run', () => {
  it('counts items, files, skipped items and warnings', () => {
    const progress = fold(
      [0, started],
      [0, { type: 'stage-opened', stage: 'frames' }],
      [100, item('frames', 1)],
      [200, { type: 'skipped', stage: 'frames', item: 'f', message: 'broken' }],
      [300, { type: 'artifact', stage: 'umap', path: 'a', bytes: 7, sha256: '' }],
      [300, { type: 'warning', stage: 'umap', message: 'few' }],
    );
    expect(progress).toMatchObject({ output: '/out', artifacts: 1, bytes: 7, warnings: 1 });
    expect(progress.stages[0]).toMatchObject({ out: 1, skipped: 1, state: 'open' });
    expect(progress.stages[1]).toMatchObject({ out: 0, state: 'waiting' });
  });

  it('shows how far the next item is, as an estimate, until it is there', () => {
    const events = [
      [0, started],
      [0, { type: 'stage-opened', stage: 'frames' }],
      [10_000, item('frames', 1)],
      [20_000, item('frames', 2)],
      [26_000, { type: 'progress', stage: 'frames', step: 'encode', done: 2, total: 8, estimated: 2.6 }],
      [
        26_000,
        { type: 'utilisation', seconds: 10, stages: [{ stage: 'frames', busy: 0.9, devices: { cpu: 0.5, gpu: 0.7 } }] },
      ],
    ] as const;
    const lineAt = (progress: RunProgress) => progressLines(progress, 26_000, { columns: 120 })[0];
    expect(lineAt(fold(...events))).toMatch(/2\/8 .*10 s each, .*next about 60 %, 60 % busy$/);
    expect(lineAt(fold(...events, [26_000, item('frames', 3)]))).not.toContain('next about');
    const first = fold(...events.slice(0, 2), [
      3000,
      { type: 'progress', stage: 'frames', step: 'encode', done: 0, total: 8, estimated: 0.5 },
    ]);
    expect(lineAt(first)).toContain('next about 50 %');
  });

  it('says rate and time left from the last items', () => {
    const { stages } = fold(
      [0, started],
      [0, { type: 'stage-opened', stage: 'frames' }],
      [1000, item('frames', 1)],
      [2000, item('frames', 2)],
      [3000, item('frames', 3)],
    );
    expect(rateOf(stages[0]!.samples, 3000)).toBeCloseTo(1);
    expect(secondsLeft(stages[0]!.samples, 8, 3000)).toBeCloseTo(5);
    expect(secondsLeft(stages[0]!.samples, 8, 3500)).toBeCloseTo(4.5);
  });

  it('lets the rate fall when nothing comes for longer than usual', () => {
    const { stages } = fold([0, started], [0, { type: 'stage-opened', stage: 'frames' }], [1000, item('frames', 1)]);
    expect(rateOf(stages[0]!.samples, 1900)).toBeCloseTo(1);
    expect(rateOf(stages[0]!.samples, 11_000)).toBeCloseTo(0.1);
  });

  it('knows no rate before the first item, and no time left without a count', () => {
    const { stages } = fold([0, started], [0, { type: 'stage-opened', stage: 'umap' }]);
    expect(rateOf(stages[1]!.samples, 500)).toBeUndefined();
    expect(
      secondsLeft(
        [
          { at: 0, done: 0 },
          { at: 1, done: 1 },
        ],
        null,
        2,
      ),
    ).toBeUndefined();
  });

  it('starts a step anew when its name changes, and forgets it when items leave', () => {
    const fit = (step: string, done: number): RunEvent => ({ type: 'progress', stage: 'umap', step, done, total: 10 });
    expect(fold([0, started], [1, fit('collect', 9)], [2, fit('fit', 1)]).stages[1]!.step).toMatchObject({
      name: 'fit',
      done: 1,
      samples: [{ at: 2, done: 1 }],
    });
    expect(fold([0, started], [1, fit('fit', 10)], [2, item('umap', 1)]).stages[1]!.step).toBeUndefined();
  });
});

describe('progressLines', () => {
  const half = fold(
    [0, started],
    [0, { type: 'stage-opened', stage: 'frames' }],
    [1000, item('frames', 1)],
    [2000, item('frames', 2)],
    [3000, item('frames', 3)],
    [4000, item('frames', 4)],
  );

  it('shows a stage per line with bar, rate and time left, and the whole below', () => {
    expect(progressLines(half, 4000, { columns: 80 })).toEqual([
      ' ▸ frames  4/8  ━━━━━━━╌╌╌╌╌╌╌  1.0/s, 4 s left'.replace('1.0/s', '1/s'),
      ' · umap      0                ',
      '  4 s · Ctrl-C stops',
    ]);
  });

  it('leaves the bar out on a narrow terminal', () => {
    expect(progressLines(half, 4000, { columns: 40 })[0]).toBe(' ▸ frames  4/8  1/s, 4 s left');
  });

  it('shows the step of a stage that has sent nothing yet', () => {
    const fitting = advance(
      advance(half, { type: 'stage-opened', stage: 'umap' }, 4000),
      { type: 'progress', stage: 'umap', step: 'fit', done: 120, total: 500 },
      5000,
    );
    expect(progressLines(fitting, 5000)[1]).toContain('fit 120/500');
  });

  it('marks a stage that closed before all items came', () => {
    const closed = advance(
      half,
      { type: 'stage-closed', stage: 'frames', in: 0, out: 4, skipped: 0, busySeconds: 1 },
      5000,
    );
    expect(progressLines(closed, 5000)[0]).toContain('■ frames');
    const skipping = advance(
      half,
      { type: 'stage-closed', stage: 'frames', in: 0, out: 7, skipped: 1, busySeconds: 1 },
      5000,
    );
    expect(progressLines(skipping, 5000)[0]).toMatch(/✓ frames .*1 skipped/);
  });
});
