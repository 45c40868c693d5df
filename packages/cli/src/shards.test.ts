// Shards as processes: the same bytes as a run that was not cut, whatever happens to them on the way.

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chosenShard } from './shard-flag.ts';
import { deepearth, folderWith, jsonLines, type Outcome, type SpawnOptions } from './testing/spawn.ts';

/** Two sequences, clips that overlap, and everything that needs all tokens: a table, fits, a GIF, an archive. */
const pipeline = `name: cut
stages:
  - { id: north, type: source/synthetic, with: { count: 106, width: 64, height: 64, sequence: north } }
  - { id: south, type: source/synthetic, with: { count: 4, width: 64, height: 64, sequence: south, seed: 9 } }
  - { id: clips, type: windower/sliding, from: [north, south], with: { size: 4, stride: 2 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64, fit: resize, batchSize: 2, device: cpu, threads: 1 } }
  - { id: mean, type: aggregator/mean }
  - { id: table, type: sink/table }
  - { id: pca, type: reducer/pca, from: tokens, with: { saveAs: pca.safetensors } }
  - { id: umap, type: reducer/umap, from: tokens, with: { epochs: 10 } }
  - { id: overlay, type: renderer/overlay }
  - { id: gif, type: sink/gif }
  - { id: features, type: sink/features, from: [tokens, pca] }
  - { id: package, type: sink/package, from: [features, gif, table] }
`;
/** All files below a folder, the manifest without its times. */
async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'latin1');
    found[relative(folder, path)] =
      entry.name === 'manifest.json' ? JSON.stringify({ ...(JSON.parse(text) as object), times: null }) : text;
  }
  return found;
}

const statuses = (outcomes: readonly Outcome[]): Outcome['status'][] => outcomes.map(({ status }) => status);

describe('shards', () => {
  it(
    'run at the same time, by hand and as tasks of arrays, killed and begun twice, make every file of a run that was not cut',
    { timeout: 180_000, skip: process.platform === 'win32' },
    async () => {
      await using folder = await folderWith({ 'p.yaml': pipeline });
      const { path: cwd } = folder;
      const run = (words: readonly string[], options: SpawnOptions = {}) =>
        deepearth(['run', 'p.yaml', '--output', 'cut', ...words], { cwd, ...options });
      const merge = (options: SpawnOptions = {}) =>
        deepearth(['merge', 'p.yaml', '--output', 'cut'], { cwd, ...options });

      const killed = await run(['--shard', '1/3'], { kill: { signal: 'SIGKILL', after: '"type":"artifact"' } });
      expect(killed.status).toBe('SIGKILL');
      const early = await merge();
      expect(early.status).toBe(1);
      expect(early.stderr).toContain('3 shards are missing or not whole (1/3: it has not ended)');
      expect(early.stderr).toContain('deepearth run p.yaml --output cut --shard 1/3  # it has not ended');
      expect(early.stderr).toContain('deepearth run p.yaml --output cut --shard 3/3  # it has not begun');

      const [one, again, ...others] = await Promise.all([
        run(['--shard', '1/3']),
        run(['--shard', '1/3']),
        run(['--set', 'tokens.with.threads=2'], { env: { JOB_COMPLETION_INDEX: '1', JOB_COMPLETION_COUNT: '3' } }),
        run([], { env: { SLURM_ARRAY_TASK_ID: '7', SLURM_ARRAY_TASK_MIN: '5', SLURM_ARRAY_TASK_COUNT: '3' } }),
      ]);
      expect(statuses(others)).toEqual([0, 0]);
      expect(others[1]!.stderr).toContain('This is shard 3/3, by SLURM_ARRAY_TASK_ID=7');
      expect(others[1]!.stderr).toContain('Shard 3/3 is there. When all 3 are:\n  deepearth merge p.yaml --output cut');
      // The one that came second is refused, unless the first had ended by then.
      const refused = [one, again].filter(({ status }) => status !== 0);
      expect(refused.length).toBeLessThan(2);
      for (const { status, stderr } of refused)
        expect([status, stderr]).toEqual([1, expect.stringContaining('is writing here')]);
      expect(await readdir(folder.file('cut'))).toEqual(['.deepearth']);

      // All are there: run again, they fit together and place their tokens, two of three here, one of them killed
      // meanwhile.
      const stopped = await run(['--shard', '2/3'], { kill: { signal: 'SIGKILL', after: '"type":"artifact"' } });
      expect(stopped.status).toBe('SIGKILL');
      const placed = await Promise.all([run(['--shard', '2/3']), run(['--shard', '3/3'])]);
      expect(statuses(placed)).toEqual([0, 0]);
      expect(placed[1]!.stderr).toContain(
        'The tokens of shard 3/3 are placed. When those of all 3 are:\n  deepearth merge',
      );

      const halfMerged = await merge({ kill: { signal: 'SIGKILL', after: '"type":"artifact"' } });
      expect(halfMerged.status).toBe('SIGKILL');
      const [merged, uncut] = await Promise.all([
        merge(),
        deepearth(['run', 'p.yaml', '--output', 'whole', '--no-shard'], { cwd, env: { JOB_COMPLETION_INDEX: '0' } }),
      ]);
      expect(statuses([merged, uncut])).toEqual([0, 0]);
      expect(merged.stderr).not.toContain('encoded here');
      const encoding = ({ stdout }: Outcome) =>
        jsonLines(stdout).filter(({ type, step }) => type === 'progress' && step === 'encode').length;
      expect(encoding(merged)).toBe(0);
      expect(encoding(uncut)).toBeGreaterThan(0);
      const [whole, cut] = [await contents(folder.file('whole')), await contents(folder.file('cut'))];
      expect(Object.keys(cut).sort()).toEqual(Object.keys(whole).sort());
      expect(Object.keys(whole).length).toBeGreaterThan(100);
      for (const [name, content] of Object.entries(whole)) expect(cut[name] === content, name).toBe(true);
      const repeated = await merge();
      expect([repeated.status, repeated.stderr]).toEqual([
        0,
        expect.stringContaining('the result of this pipeline is whole'),
      ]);
    },
  );

  it('are listed with their clips by plan, and refused where they make no sense', async () => {
    await using folder = await folderWith({ 'p.yaml': pipeline });
    const { path: cwd } = folder;
    const [text, json, untimed, differing, none] = await Promise.all([
      deepearth(['plan', 'p.yaml', '--jobs', '3', '--clip-seconds', '2'], { cwd }),
      deepearth(['plan', 'p.yaml', '--job-seconds', '30', '--clip-seconds', '2', '--json'], { cwd }),
      deepearth(['plan', 'p.yaml', '--job-seconds', '6'], { cwd }),
      deepearth(['run', 'p.yaml', '--shard', '4/3'], { cwd }),
      deepearth(['merge', 'p.yaml'], { cwd }),
    ]);
    const [many, early] = await Promise.all([
      deepearth(['plan', 'p.yaml', '--jobs', '99', '--json'], { cwd }),
      deepearth(['run', 'p.yaml', '--output', 'p.yaml', '--shard', '1/3'], { cwd }),
    ]);
    const { jobs, jobNotes } = JSON.parse(many.stdout) as { jobs: { clips: number }[]; jobNotes: string[] };
    expect(jobs.map(({ clips }) => clips)).toEqual(Array(53).fill(1));
    expect(jobNotes).toEqual(['there is work for 53 jobs, not for 99']);
    expect([early.status, jsonLines(early.stdout)]).toEqual([
      1,
      [{ type: 'error', code: 'E_OUTPUT_NOT_A_FOLDER', message: expect.stringContaining('p.yaml') }],
    ]);
    expect(jsonLines(none.stdout)).toMatchObject([{ type: 'error', code: 'E_NO_SHARDS' }]);
    expect(text.stdout).toMatch(/1\/3 +18 +36 s +[0-9a-f]{32} +north 0 to 17\n/);
    expect(text.stdout).toMatch(/3\/3 +18 +36 s +[0-9a-f]{32} +north 35 to 51, south 0\n/);
    expect(JSON.parse(json.stdout)).toMatchObject({
      name: 'cut',
      workList: expect.stringMatching(/^[0-9a-f]{32}$/),
      jobs: [
        { shard: '1/4', clips: 13, seconds: 26, ranges: [{ stage: 'clips', sequence: 'north', first: 0, end: 13 }] },
        { shard: '2/4' },
        { shard: '3/4' },
        { shard: '4/4' },
      ],
      jobNotes: [],
    });
    expect(statuses([text, json, untimed, differing, none])).toEqual([0, 0, 2, 2, 2]);
    expect(untimed.stderr).toContain('Give --clip-seconds');
    expect(differing.stderr).toContain('there is no shard 4/3');
    expect(none.stderr).toContain('there are no shards');
  });
});

describe('the shard of a run', () => {
  const slurm = (id: number, min: number, count: number, step?: number) => ({
    SLURM_ARRAY_TASK_ID: String(id),
    SLURM_ARRAY_TASK_MIN: String(min),
    SLURM_ARRAY_TASK_COUNT: String(count),
    ...(step !== undefined && { SLURM_ARRAY_TASK_STEP: String(step) }),
  });
  const kubernetes = { JOB_COMPLETION_INDEX: '2' };

  it.each([
    ['2/8', {}, { index: 2, of: 8 }],
    ['2/8', slurm(5, 1, 9), { index: 2, of: 8 }],
    [undefined, {}, undefined],
    [false, slurm(5, 1, 9), undefined],
    [false, kubernetes, undefined],
    [undefined, slurm(5, 1, 9), { index: 5, of: 9 }],
    [undefined, slurm(0, 0, 9), { index: 1, of: 9 }],
    [undefined, slurm(14, 10, 3, 2), { index: 3, of: 3 }],
    [undefined, { ...kubernetes, JOB_COMPLETION_COUNT: '3' }, { index: 3, of: 3 }],
    ['/4', kubernetes, { index: 3, of: 4 }],
    ['/9', slurm(0, 0, 9), { index: 1, of: 9 }],
    // Tasks 3 and 5 of nine, started again by themselves.
    ['/9', slurm(5, 3, 2, 2), { index: 5, of: 9 }],
  ] as const)('by --shard %j in %j is %j', (flag, env, shard) => {
    const chosen = chosenShard(flag, env);
    if (shard === undefined) expect(chosen).toBeUndefined();
    else expect(chosen).toMatchObject(shard);
    expect(chosen !== undefined && 'from' in chosen).toBe(
      typeof flag !== 'string' || flag.startsWith('/') ? shard !== undefined : false,
    );
  });

  it.each([
    ['2', {}, 'expected a part of so many'],
    ['a/b', {}, 'expected a part of so many'],
    ['0/3', {}, 'there is no shard 0/3'],
    ['1/0', {}, 'there is no shard 1/0'],
    ['1/100001', {}, 'there is no shard 1/100001'],
    ['/3', {}, 'neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID'],
    ['/2', kubernetes, 'there is no shard 3/2 (JOB_COMPLETION_INDEX=2)'],
    [undefined, kubernetes, 'not said of how many'],
    [undefined, { SLURM_ARRAY_TASK_ID: '4' }, 'not said of how many'],
    [undefined, { JOB_COMPLETION_INDEX: 'x' }, 'expected a whole number'],
    [undefined, slurm(7, 1, 3), 'there is no shard 7/3 (SLURM_ARRAY_TASK_ID=7)'],
  ] as const)('by --shard %j in %j is refused', (flag, env, message) => {
    expect(() => chosenShard(flag, env)).toThrow(message);
    expect(() => chosenShard(flag, env)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
});
