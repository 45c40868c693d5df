import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exitCodes } from './exit-codes.ts';
import { builtinStages } from './registry.ts';
import { makeProgram } from './program.ts';
import { deepearth, folderWith } from './testing/spawn.ts';

const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version;

describe('deepearth', () => {
  it('prints help and version', async () => {
    const help = await deepearth(['--help']);
    expect(help.stdout).toContain('Exit status:');
    for (const command of ['run', 'validate', 'plan', 'graph', 'stages', 'schema', 'doctor', 'inspect', 'model'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    for (const code of Object.values(exitCodes)) expect(help.stdout).toMatch(new RegExp(`(^ {2}|; )${code}\\b`, 'm'));
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(await deepearth(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([['--help'], ['--version'], ['run', '--help']])(
    'loads no native module and nothing of ours but its definitions for %s %s',
    async (...args) => {
      await using folder = await folderWith({
        'watch.mjs': `import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
const native = [];
const { dlopen } = process;
process.dlopen = (module, file, ...rest) => { native.push(file); return dlopen(module, file, ...rest); };
const require = createRequire(${JSON.stringify(new URL('../bin/deepearth.js', import.meta.url).href)});
process.on('exit', () => process.stderr.write('\\nLOADED ' + JSON.stringify({ native, required: Object.keys(require.cache), imported: globalThis.imported ?? [] })));
import { register } from 'node:module';
const { port1, port2 } = new MessageChannel();
globalThis.imported = [];
port1.on('message', (url) => globalThis.imported.push(url));
port1.unref();
register('./hook.mjs', import.meta.url, { data: port2, transferList: [port2] });
`,
        'hook.mjs': `let port;
export const initialize = (given) => { port = given; };
export async function load(url, context, next) { port.postMessage(url); return next(url, context); }
`,
      });
      const { status, stderr } = await deepearth(args, {
        node: ['--import', new URL(`file://${folder.file('watch.mjs')}`).href],
      });
      expect(status).toBe(0);
      const loaded = JSON.parse(stderr.slice(stderr.indexOf('LOADED ') + 7)) as {
        native: string[];
        required: string[];
        imported: string[];
      };
      expect(loaded.native).toEqual([]);
      expect(
        loaded.required.filter((file) => file.endsWith('.node') || !file.includes('/node_modules/commander/')),
      ).toEqual([]);
      const ours = loaded.imported.filter((url) => url.startsWith('file:') && url.includes('/packages/'));
      expect(ours.map((url) => url.replace(/^.*\/packages\//, ''))).toEqual(
        expect.arrayContaining(['cli/dist/main.js']),
      );
      expect(ours.every((url) => url.includes('/packages/cli/'))).toBe(true);
      expect(ours.filter((url) => url.includes('/commands/'))).toEqual([]);
    },
  );

  it.each([
    [['rnu', 'p.yaml'], 'Did you mean run?'],
    [['run', 'p.yaml', '--ouput', 'x'], 'Did you mean --output?'],
    [['model', 'chek', 'x'], 'Did you mean check?'],
    [['run'], "missing required argument 'pipeline'"],
    [['run', 'p.yaml', '--output'], 'argument missing'],
    [['stages', 'reducer/umpa'], 'Did you mean reducer/umap?'],
    [['stages', 'a', 'b'], 'too many arguments'],
  ])('ends with 2 and a suggestion for %j', async (args, expected) => {
    const { status, stderr } = await deepearth(args);
    expect(stderr).toContain(expected);
    expect(status).toBe(2);
  });

  it('describes every command, argument and option', () => {
    const walk = (command: ReturnType<typeof makeProgram>): ReturnType<typeof makeProgram>[] => [
      command,
      ...command.commands.flatMap((inner) => walk(inner)),
    ];
    for (const command of walk(makeProgram())) {
      expect(command.description(), command.name()).not.toBe('');
      for (const option of command.options)
        expect(option.description, `${command.name()} ${option.flags}`).not.toBe('');
    }
  });
});

describe('deepearth stages and schema', () => {
  it('lists every registered stage under its kind', async () => {
    const { status, stdout } = await deepearth(['stages']);
    for (const type of builtinStages().types) expect(stdout).toContain(`  ${type} `);
    expect(status).toBe(0);
  });

  it('describes a stage by its type or its bare name: options with defaults, examples', async () => {
    const [full, bare] = await Promise.all([
      deepearth(['stages', 'windower/sliding']),
      deepearth(['stages', 'sliding']),
    ]);
    expect(full.stdout).toBe(bare.stdout);
    expect(full.stdout).toMatch(/size +16 +whole number/);
    expect(full.stdout).toMatch(/tail +"pad" +pad \| shift \| drop \| error/);
    expect(full.stdout).toContain('Examples');
  });

  it('returns all stages as JSON with the schema of their options', async () => {
    const stages = JSON.parse((await deepearth(['stages', '--json'])).stdout) as {
      type: string;
      options: { type: string };
    }[];
    expect(stages.map(({ type }) => type)).toEqual(builtinStages().types);
    expect(stages.every(({ options }) => options.type === 'object')).toBe(true);
  });

  it('writes a schema and says how to name it', async () => {
    await using folder = await folderWith({});
    const { status, stdout } = await deepearth(['schema', '--output', 's.json'], { cwd: folder.path });
    expect(stdout).toContain('# yaml-language-server: $schema=./s.json');
    expect(JSON.parse(readFileSync(folder.file('s.json'), 'utf8'))).toMatchObject({
      title: expect.any(String),
      properties: { stages: {} },
    });
    expect(status).toBe(0);
  });
});
