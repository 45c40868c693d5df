import { describe, expect, test } from 'vitest';
import type { StagePlan } from './plan.ts';
import { readLater } from './read-later.ts';
import type { StageKind } from './stage.ts';

/** Stages as they stand in a plan: name, kind, what they read, and whether they wait for all of it. */
type Line = readonly [id: string, kind: StageKind, from: readonly string[], drains?: boolean];
const of = (lines: readonly Line[]): string[] => [
  ...readLater(
    lines.map(
      ([id, kind, from, drains]) =>
        ({
          stage: { id, from, definition: { kind } },
          description: { drains },
          consumers: lines.filter(([, , sources]) => sources.includes(id)).map(([consumer]) => consumer),
        }) as unknown as StagePlan,
    ),
  ),
];

const start: readonly Line[] = [
  ['frames', 'source', []],
  ['clips', 'windower', ['frames']],
  ['tokens', 'encoder', ['clips']],
];

describe('frames are read later', () => {
  test('not where all that follows takes them as they come', () => {
    expect(
      of([
        ...start,
        ['colours', 'reducer', ['tokens']],
        ['overlay', 'renderer', ['colours']],
        ['stacked', 'renderer', ['colours']],
        ['files', 'sink', ['overlay', 'stacked']],
        ['package', 'sink', ['files'], true],
      ]),
    ).toEqual([]);
  });

  test('where a stage behind them waits for all tokens, however far behind', () => {
    expect(of([...start, ['umap', 'reducer', ['tokens'], true], ['overlay', 'renderer', ['umap']]]).sort()).toEqual([
      'clips',
      'frames',
      'tokens',
    ]);
  });

  test('where streams are joined, of those that are', () => {
    expect(
      of([
        ...start,
        ['others', 'source', []],
        ['unread', 'source', []],
        ['panels', 'renderer', ['tokens', 'others']],
        ['files', 'sink', ['panels']],
        ['more', 'sink', ['unread']],
      ]).sort(),
    ).toEqual(['clips', 'frames', 'others', 'tokens']);
  });
});
