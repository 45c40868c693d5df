import type { Manifest } from '@deepearth/core/manifest';
import { describe, expect, it } from 'vitest';
import { runSummary } from './run-summary.ts';
import { runTally, type RunTally } from './run-tally.ts';

const file = (path: string, bytes: number): Manifest['outputs'][number] => ({
  path,
  bytes,
  sha256: '',
  mediaType: 'image/png',
  key: '',
  stage: 'pictures',
});
/** What is added up of a run with these in its manifest. */
function manifest({
  outputs = [],
  skipped = [],
  warnings = [],
  status = 'done',
  times = { startedAt: '', finishedAt: '', seconds: 0.5, busySeconds: { tokens: 3 } },
}: Partial<Manifest>): RunTally {
  const { see, tally } = runTally();
  see({ type: 'run-started', output: 'out', stages: [{ id: 'tokens', type: 'encoder/vjepa2', count: 1 }] });
  for (const output of outputs) see({ type: 'artifact', ...output });
  for (const skip of skipped) see({ type: 'skipped', ...skip });
  for (const warning of warnings) see({ type: 'warning', ...warning });
  for (const [stage, busySeconds] of Object.entries(times.busySeconds))
    see({ type: 'stage-closed', stage, in: 1, out: 1, skipped: 0, busySeconds });
  see({ type: 'run-finished', status, seconds: times.seconds });
  return tally();
}

describe('runSummary', () => {
  it('lists folders with counts, and a file alone by its own name', () => {
    expect(
      runSummary(
        manifest({
          outputs: [file('a/1.png', 10), file('a/2.png', 20), file('b/all.gif', 1000), file('all.zip', 5000)],
        }),
        'out',
      ),
    ).toBe(
      [
        'Done in 0.50 s: 4 files, 6.03 KB, in out',
        '  a/         2 files     30 B',
        '  all.zip             5.00 KB',
        '  b/all.gif           1.00 KB',
        '  manifest.json',
      ].join('\n'),
    );
  });

  it('says which share of the time stages and their devices worked when a run took some', () => {
    const { see, tally } = runTally();
    const stages = ['frames', 'tokens', 'nothing'].map((id) => ({ id, type: 'x', count: 1 }));
    see({ type: 'run-started', output: 'out', stages });
    const counts = { in: 1, out: 1, skipped: 0 };
    see({ type: 'stage-closed', stage: 'tokens', ...counts, busySeconds: 3.5, devices: { cpu: 3, 'cpu (2)': 1 } });
    see({ type: 'stage-closed', stage: 'frames', ...counts, busySeconds: 0.4 });
    see({ type: 'stage-closed', stage: 'nothing', ...counts, busySeconds: 0.001 });
    see({ type: 'run-finished', status: 'done', seconds: 4 });
    expect(runSummary(tally(), 'out')).toContain(
      '\nBusy, side by side: frames 10 %, tokens 88 % (cpu 75 %, cpu (2) 25 %).',
    );
    expect(runSummary({ ...tally(), seconds: 1 }, 'out')).not.toContain('Busy');
    expect(runSummary({ ...tally(), busySeconds: [] }, 'out')).not.toContain('Busy');
  });

  it('lists what was skipped and warned of, the first ones of many', () => {
    const skipped = Array.from({ length: 20 }, (_, i) => ({
      stage: 'frames',
      item: `f${i}`,
      message: `f${i} is broken`,
    }));
    const text = runSummary(
      manifest({ status: 'skipped', skipped, warnings: [{ stage: 'umap', message: 'few tokens' }] }),
      'out',
    );
    expect(text).toContain('Finished with gaps');
    expect(text).toContain('1 warning:\n  umap: few tokens');
    expect(text).toContain('20 items skipped:\n  f0 is broken');
    expect(text).toContain('… and 12 more, in manifest.json');
  });
});
