// The files of docs/scale.md do what they say: the scripts are run with a command that tells how it was called.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chosenShard } from '@deepearth/cli/shard-flag';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { commandOptions } from './scale/testing/command-options.ts';

const file = (name: string): string => join(import.meta.dirname, 'scale', name);
const start = promisify(execFile);
const noShell = { skip: process.platform === 'win32' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scale-'));
  const programs = { srun: 'exec "$@"', deepearth: 'printf "%s\\n" "$@"' };
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a script calls the command with. */
async function called(script: string, env: Record<string, string> = {}): Promise<string[]> {
  const { stdout } = await start('bash', [file(script), 'my pipeline.yaml', '/shared/my results'], {
    env: { ...process.env, ...env, PATH: `${folder}${delimiter}${process.env.PATH}` },
  });
  return stdout.trimEnd().split('\n');
}

/** The options that a script has for sbatch. */
const batchOptions = async (script: string): Promise<Record<string, string | undefined>> =>
  Object.fromEntries(
    [...(await readFile(file(script), 'utf8')).matchAll(/^#SBATCH --([a-z-]+)(?:=(\S+))?$/gm)].map(
      ([, name, value]) => [name!, value],
    ),
  );

test.each(['shards.sbatch', 'merge.sbatch'])('%s is bash, and begins with what Slurm reads', noShell, async (name) => {
  await start('bash', ['-n', file(name)]);
  const lines = (await readFile(file(name), 'utf8')).split('\n');
  expect(lines[0]).toBe('#!/bin/bash');
  // Slurm reads no option behind the first command.
  const command = lines.findIndex((line) => line !== '' && !line.startsWith('#'));
  expect(lines.findLastIndex((line) => line.startsWith('#SBATCH'))).toBeLessThan(command);
  expect(Object.keys(await batchOptions(name))).toEqual(expect.arrayContaining(['time', 'mem', 'requeue']));
});

test(
  'the tasks of the Slurm array are all shards, and tasks that are started again are the same ones',
  noShell,
  async () => {
    const [, first, last] = /^(\d+)-(\d+)$/.exec((await batchOptions('shards.sbatch')).array!)!.map(Number) as number[];
    const tasks = Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
    const words = await called('shards.sbatch');
    expect(words).toEqual(['run', 'my pipeline.yaml', '--output', '/shared/my results', '--shard', `/${tasks.length}`]);
    const { shard } = commandOptions(words);
    const of = (task: number, all: readonly number[]) =>
      chosenShard(shard as string, {
        SLURM_ARRAY_TASK_ID: String(task),
        SLURM_ARRAY_TASK_MIN: String(all[0]),
        SLURM_ARRAY_TASK_COUNT: String(all.length),
      });
    for (const [index, task] of tasks.entries())
      for (const all of [tasks, [task], [3, task]])
        expect(of(task, all)).toMatchObject({ index: index + 1, of: tasks.length });
    expect(commandOptions(await called('merge.sbatch'))).toMatchObject({ output: '/shared/my results' });
  },
);

test('a program that runs shards and merges them leaves the result alone', async () => {
  const { stdout } = await start(process.execPath, [file('shards.mjs'), join(folder, 'out')]);
  expect(stdout).toBe('done gif/pca-overlay.gif\n');
  expect((await readdir(join(folder, 'out'))).sort()).toEqual(['gif', 'manifest.json']);
}, 60_000);

interface Job {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly completionMode?: string;
    readonly completions?: number;
    readonly parallelism?: number;
    readonly backoffLimitPerIndex?: number;
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
          readonly workingDir: string;
        }[];
        readonly volumes: readonly { readonly name: string; readonly persistentVolumeClaim: { claimName: string } }[];
      };
    };
  };
}

test('the pods of the Kubernetes job are all shards, and they and the merge work in one volume', async () => {
  const documents = parseAllDocuments(await readFile(file('indexed-job.yml'), 'utf8'));
  expect(documents.flatMap(({ errors }: { errors: readonly unknown[] }) => errors)).toEqual([]);
  const [shards, merge, ...others] = documents.map((each) => each.toJS() as Job) as [Job, Job];
  expect(others).toEqual([]);
  for (const { apiVersion, kind, metadata, spec } of [shards, merge]) {
    expect([apiVersion, kind]).toEqual(['batch/v1', 'Job']);
    expect(metadata.name).toMatch(/^[a-z][a-z-]*$/);
    const { restartPolicy, containers, volumes } = spec.template.spec;
    // What a limit for each index needs.
    expect(restartPolicy).toBe('Never');
    expect(containers).toHaveLength(1);
    const { command, volumeMounts, workingDir } = containers[0]!;
    expect(command[0]).toBe('deepearth');
    expect(commandOptions(command.slice(1))).toMatchObject({ output: 'results' });
    expect(volumeMounts).toEqual([{ name: volumes[0]!.name, mountPath: workingDir }]);
    expect(volumes).toEqual(shards.spec.template.spec.volumes);
  }
  const { completionMode, completions, parallelism, backoffLimitPerIndex } = shards.spec;
  expect([completionMode, parallelism! <= completions!, backoffLimitPerIndex! > 0]).toEqual(['Indexed', true, true]);
  const { shard } = commandOptions(shards.spec.template.spec.containers[0]!.command.slice(1));
  for (let index = 0; index < completions!; index++)
    expect(chosenShard(shard as string, { JOB_COMPLETION_INDEX: String(index) })).toMatchObject({
      index: index + 1,
      of: completions,
    });
});
