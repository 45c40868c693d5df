// The container files of docs/scale.md: every instruction and field is known, and the commands they name exist with
// those flags.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { commandOptions } from './scale/testing/command-options.ts';

const read = (name: string): Promise<string> => readFile(join(import.meta.dirname, 'scale', name), 'utf8');

interface Stage {
  readonly base: string;
  readonly name: string;
  readonly lines: readonly (readonly [instruction: string, words: string])[];
}

/** The stages of a Dockerfile, in order; each has to have a name. */
async function stages(): Promise<readonly Stage[]> {
  const found: (Stage & { lines: [string, string][] })[] = [];
  const text = (await read('Dockerfile')).replaceAll(/\\\n\s*/g, ' ');
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, instruction, words] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    expect(['FROM', 'WORKDIR', 'ARG', 'RUN', 'COPY', 'ENV', 'USER', 'ENTRYPOINT', 'CMD'], line).toContain(instruction);
    const [, base, name] = (instruction === 'FROM' && /^(\S+) AS ([a-z-]+)$/.exec(words!)) || [];
    if (base) found.push({ base, name: name!, lines: [] });
    else found.at(-1)!.lines.push([instruction!, words!]);
  }
  return found;
}

test('every image of the Dockerfile is built on a pinned image or an earlier stage, and copies from earlier stages', async () => {
  const all = await stages();
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const [index, { base, lines }] of all.entries()) {
    const earlier = names.slice(0, index);
    if (!earlier.includes(base)) expect(base).toMatch(/^[a-z/]+:\d[\w.-]+$/);
    for (const [instruction, words] of lines) {
      expect(words).not.toMatch(/password|secret|token|apikey|api_key/i);
      if (instruction !== 'COPY') continue;
      const [, from, , to] = /^--from=(\S+) (\/\S+) (\/\S+)$/.exec(words) ?? [];
      expect(earlier, words).toContain(from);
      expect(to).toBeDefined();
    }
  }
});

test('the images for CPU and CUDA install what is published, and run the command as a user who is not root', async () => {
  const all = await stages();
  const { version, bin } = JSON.parse(
    await readFile(join(import.meta.dirname, '../packages/cli/package.json'), 'utf8'),
  ) as { version: string; bin: Record<string, string> };
  expect(all[0]!.lines).toContainEqual(['ARG', `PACKAGES=@deepearth/cli@${version}`]);
  const npm = '--mount=type=bind,target=/context npm install --ignore-scripts --no-audit --no-fund $PACKAGES';
  const cudaFiles = 'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js';
  for (const [target, runs] of [
    ['cpu', [npm]],
    ['cuda', [npm, cudaFiles]],
  ] as const) {
    const install = all.find(({ name }) => name === `install-${target}`)!;
    expect(install.base).toBe(all[0]!.name);
    expect(install.lines).toEqual(runs.map((words) => ['RUN', words]));
    const { lines } = all.find(({ name }) => name === target)!;
    const last = Object.fromEntries(lines);
    expect(last['USER']).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(lines.findIndex(([name]) => name === 'USER')).toBeLessThan(
      lines.findIndex(([name]) => name === 'ENTRYPOINT'),
    );
    expect(lines).toContainEqual(['COPY', `--from=install-${target} /opt/deepearth /opt/deepearth`]);
    expect(last['ENV']).toContain('PATH=/opt/deepearth/node_modules/.bin:$PATH');
    const [command, ...others] = JSON.parse(last['ENTRYPOINT']!) as string[];
    expect([Object.keys(bin), others]).toEqual([[command], []]);
    expect(JSON.parse(last['CMD']!)).toEqual(['--help']);
  }
});

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly command: readonly string[];
  readonly environment?: { readonly DEEPEARTH_QUEUE: string };
  readonly volumes: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources?: { readonly reservations: { readonly devices: readonly { readonly device_ids: string[] }[] } };
  };
  readonly init?: boolean;
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
}

const known: readonly (keyof Service)[] = [
  'image',
  'build',
  'command',
  'environment',
  'volumes',
  'depends_on',
  'healthcheck',
  'deploy',
  'init',
  'profiles',
  'restart',
  'stop_grace_period',
];

test('the services of the compose file work from one queue, which is kept, in one folder', async () => {
  const document = parseDocument(await read('docker-compose.yml'));
  expect([document.errors, document.warnings]).toEqual([[], []]);
  const { services, volumes } = document.toJS() as {
    services: Readonly<Record<string, Service>>;
    volumes: Readonly<Record<string, object>>;
  };
  const { redis, add, ...workers } = services as Readonly<Record<string, Service>> & { redis: Service; add: Service };
  const targets = (await stages()).map(({ name }) => name);
  for (const service of Object.values(services))
    expect(Object.keys(service).filter((name) => !known.includes(name as keyof Service))).toEqual([]);

  expect(redis.image).toMatch(/^redis:\d+\.\d+-/);
  expect(redis.command).toEqual(['redis-server', '--appendonly', 'yes']);
  expect(redis.volumes).toEqual([`${Object.keys(volumes)[0]}:/data`]);
  expect(redis.healthcheck?.test).toEqual(['CMD', 'redis-cli', 'ping']);

  expect(Object.keys(workers)).toEqual(['worker', 'worker-cuda']);
  for (const { build, environment, volumes, depends_on, init } of [add, ...Object.values(workers)]) {
    expect(targets).toContain(build!.target);
    expect(build!.context).toBe('.');
    expect(environment).toEqual({ DEEPEARTH_QUEUE: 'redis://redis:6379' });
    expect(volumes).toEqual(['./data:/data']);
    expect(depends_on).toEqual({ redis: { condition: 'service_healthy' } });
    expect(init).toBe(true);
  }
  expect([commandOptions(add.command), add.restart]).toEqual([
    expect.objectContaining({ jobs: '64', output: 'results', wait: true }),
    undefined,
  ]);
  for (const { command, stop_grace_period, restart } of Object.values(workers)) {
    commandOptions(command);
    // Longer than a job of one to two minutes.
    expect(stop_grace_period).toMatch(/^[3-9]m$/);
    expect(restart).toBe('unless-stopped');
  }
  expect(workers['worker']!.deploy!.replicas).toBeGreaterThan(1);
  const cuda = workers['worker-cuda']!;
  expect([cuda.profiles, cuda.build!.target]).toEqual([['cuda'], 'cuda']);
  const { gpus } = commandOptions(cuda.command);
  expect((gpus as string).split(',')).toEqual(cuda.deploy!.resources!.reservations.devices[0]!.device_ids);
});
