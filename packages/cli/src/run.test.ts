import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandPath, deepearth, folderWith, jsonLines } from './testing/spawn.ts';

const plugin = fileURLToPath(new URL('../fixtures/notes.mjs', import.meta.url));
const notes = (options: string, rest = ''): string => `name: notes
plugins: [${JSON.stringify(plugin)}]
stages:
  - id: notes
    type: source/notes
    with: ${options}
${rest}  - id: files
    type: sink/write-notes
`;

const odd = fileURLToPath(new URL('../fixtures/odd.mjs', import.meta.url));
const oddly = (does: string): string => `plugins: [${JSON.stringify(odd)}, ${JSON.stringify(plugin)}]
stages:
  - { type: source/odd, with: { does: ${does} } }
  - { type: sink/write-notes }
`;
const locks = async (output: string): Promise<string[]> =>
  (await readdir(join(output, '.deepearth')).catch(() => [])).filter((name) => name.startsWith('lock.'));

const whole = 2000;
const isWhole = async (path: string): Promise<boolean> =>
  (await readFile(path, 'utf8')).trimEnd().split('\n').length === whole;

describe('deepearth run', () => {
  it('runs a pipeline with stages of a plugin, writes JSON lines to a pipe and a summary to stderr', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 3 }') });
    const { status, stdout, stderr } = await deepearth(['run', 'p.yaml'], { cwd: folder.path });
    const events = jsonLines(stdout);
    expect(events[0]).toMatchObject({ type: 'run-started', stages: [{ id: 'notes', count: 3 }, { id: 'files' }] });
    expect(events.at(-1)).toMatchObject({ type: 'run-finished', status: 'done' });
    expect(events.filter(({ type }) => type === 'artifact')).toHaveLength(3);
    expect(stderr).toMatch(/Done in .*: 3 files, .* in p-output\n {2}notes\/ +3 files/);
    expect(status).toBe(0);
    expect(JSON.parse(await readFile(folder.file('p-output/manifest.json'), 'utf8'))).toMatchObject({
      status: 'done',
      versions: { '@deepearth/cli': expect.any(String) },
    });
  });

  it('takes the output folder from the flag, then from the file', async () => {
    await using folder = await folderWith({ 'p.yaml': `output: named\n${notes('{ count: 1 }')}` });
    expect((await deepearth(['run', 'p.yaml'], { cwd: folder.path })).status).toBe(0);
    expect(
      (await deepearth(['run', 'p.yaml', '--output', 'given', '--set', 'notes.with.count=2'], { cwd: folder.path }))
        .status,
    ).toBe(0);
    expect([
      (await readdir(folder.file('named/notes'))).length,
      (await readdir(folder.file('given/notes'))).length,
    ]).toEqual([1, 2]);
  });

  it('ends with 3 and lists what was skipped', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 3, broken: 1 }', '    onError: skip\n') });
    const { status, stderr } = await deepearth(['run', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toContain('Finished with gaps');
    expect(stderr).toContain('1 item skipped:');
    expect(stderr).toContain('note-1.txt: cannot be read.');
    expect(status).toBe(3);
  });

  it('ends with 4 for broken data, naming it and what to do, without a stack', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 3, broken: 1 }') });
    const { status, stderr } = await deepearth(['run', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toContain('error: notes (note-1): note-1.txt: cannot be read. Write it again.');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr).toContain('1 file in p-output is whole. When the cause is mended:\n  deepearth run p.yaml --resume');
    expect(status).toBe(4);
  });

  it('shows a stack and names the plugin when a stage of it is at fault', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ fault: true }') });
    const { status, stderr } = await deepearth(['run', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toMatch(/\n\s+at .*notes\.mjs/);
    expect(stderr).toContain(`The stage notes comes from the plugin ${plugin}`);
    expect(stderr).not.toContain('a fault of DeepEarth Streams itself');
    expect(status).toBe(1);
  });

  it('shows the stack of any error with DEEPEARTH_DEBUG=1', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ broken: 0 }') });
    expect((await deepearth(['run', 'p.yaml'], { cwd: folder.path, env: { DEEPEARTH_DEBUG: '1' } })).stderr).toMatch(
      /\n\s+at .*notes\.mjs/,
    );
  });

  it('on Ctrl-C leaves whole files only, says how to go on, ends with 130, and goes on with --resume', async () => {
    await using folder = await folderWith({ 'my p.yaml': notes('{ count: 40, pauseMs: 30 }') });
    const args = ['run', 'my p.yaml', '--output', 'out', '--set', 'notes.with.count=30'];
    const { status, stderr } = await deepearth(args, {
      cwd: folder.path,
      kill: { signal: 'SIGINT', after: 'notes/note-4.txt' },
    });
    expect(status).toBe(130);
    expect(stderr).toContain(`To go on:\n  deepearth run 'my p.yaml' --set notes.with.count=30 --output out --resume`);
    const files = await readdir(folder.file('out/notes'));
    expect(files.length).toBeGreaterThanOrEqual(5);
    expect(files.length).toBeLessThan(30);
    for (const file of files) expect(await isWhole(join(folder.path, 'out/notes', file))).toBe(true);
    expect(JSON.parse(await readFile(folder.file('out/manifest.json'), 'utf8'))).toMatchObject({ status: 'cancelled' });
    const again = await deepearth([...args, '--resume'], { cwd: folder.path });
    expect(again.status).toBe(0);
    expect(await readdir(folder.file('out/notes'))).toHaveLength(30);
  });

  it('ends with 143 on SIGTERM', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 100, pauseMs: 30 }') });
    const { status } = await deepearth(['run', 'p.yaml'], {
      cwd: folder.path,
      kill: { signal: 'SIGTERM', after: 'note-1.txt' },
    });
    expect(status).toBe(143);
  });

  it('ends with 129 when its terminal is closed, and frees the folder', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 100, pauseMs: 30 }') });
    const { status } = await deepearth(['run', 'p.yaml', '-o', 'out'], {
      cwd: folder.path,
      kill: { signal: 'SIGHUP', after: 'note-1.txt' },
    });
    expect(status).toBe(129);
    expect(JSON.parse(await readFile(folder.file('out/manifest.json'), 'utf8'))).toMatchObject({ status: 'cancelled' });
    expect(existsSync(folder.file('out/.deepearth'))).toBe(false);
  });

  it('ends at once by a second signal, whatever a stage does, and frees the folder', async () => {
    await using folder = await folderWith({ 'p.yaml': oddly('holds') });
    const { status, stderr } = await deepearth(['run', 'p.yaml', '-o', 'out'], {
      cwd: folder.path,
      kill: { signal: 'SIGINT', after: 'note-0.txt', thenAfter: 'stops at once' },
    });
    expect(status).toBe('SIGINT');
    expect(stderr).not.toContain('given up');
    expect(await locks(folder.file('out'))).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['waits', 'waits for a promise that is never settled', /odd: waits for something that never comes.*\n.*odd\.mjs/],
    ['throws', 'throws where nobody waits', /outside of the work of any stage: odd thing \(.*odd\.mjs:\d+:\d+\)/],
    ['exits', 'ends the process', /odd\.mjs:\d+:\d+ called process\.exit\(0\)/],
  ])('names a plugin that %s (it %s), fails, and frees the folder', async (does, _, message) => {
    await using folder = await folderWith({ 'p.yaml': oddly(does) });
    const { status, stderr } = await deepearth(['run', 'p.yaml', '-o', 'out'], { cwd: folder.path });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('a fault of DeepEarth Streams itself');
    expect(status).toBe(1);
    expect(await locks(folder.file('out'))).toEqual([]);
    if (does !== 'exits')
      expect(JSON.parse(await readFile(folder.file('out/manifest.json'), 'utf8'))).toMatchObject({ status: 'failed' });
  });

  it.each<[string, string, RegExp]>([
    ['throws', `throw new Error('broken inside');`, /plugin \.\/bad\.mjs cannot be loaded: broken inside/],
    ['ends the process', 'process.exit(0);', /bad\.mjs:1:9 called process\.exit\(0\)/],
    [
      'never ends',
      'await new Promise(() => undefined);',
      /plugin \.\/bad\.mjs cannot be loaded: it waits for something/,
    ],
  ])('names a plugin whose import %s', async (_, code, message) => {
    await using folder = await folderWith({
      'bad.mjs': code,
      'p.yaml': 'plugins: [./bad.mjs]\nstages:\n  - type: source/synthetic\n',
    });
    const { status, stderr } = await deepearth(['validate', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toMatch(message);
    expect([1, 2]).toContain(status);
  });

  it.skipIf(!existsSync('/dev/full'))('goes on when its lines find no room, which fails other commands', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 5 }') });
    const full = (words: string, streams: string) =>
      spawnSync('bash', ['-c', `"$0" "$1" ${words} ${streams}`, process.execPath, commandPath], {
        cwd: folder.path,
        encoding: 'utf8',
      });
    const one = full('run p.yaml -o out', '> /dev/full');
    expect(one.stderr.match(/no space is left/g)).toHaveLength(1);
    expect(one.stderr).toContain('Done in');
    expect(one.status).toBe(0);
    expect(full('run p.yaml -o out-2', '> /dev/full 2> /dev/full').status).toBe(0);
    expect(await readdir(folder.file('out-2/notes'))).toHaveLength(5);
    expect(full('plan p.yaml', '> /dev/full').status).toBe(1);
  });

  it('asks before results of another pipeline go, as validate does', async () => {
    await using folder = await folderWith({
      'a.yaml': `output: out\n${notes('{ count: 3 }')}`,
      'b.yaml': `output: out\n${notes('{ count: 2 }').replace('name: notes', 'name: other')}`,
    });
    expect((await deepearth(['run', 'a.yaml'], { cwd: folder.path })).status).toBe(0);
    for (const command of ['validate', 'run']) {
      const { status, stderr } = await deepearth([command, 'b.yaml'], { cwd: folder.path });
      expect(stderr).toMatch(/out: holds 3 files .* of the pipeline "notes".*\n.*--overwrite/);
      expect(status).toBe(2);
    }
    expect((await deepearth(['validate', 'b.yaml', '--output', 'elsewhere'], { cwd: folder.path })).status).toBe(0);
    const { status, stderr } = await deepearth(['run', 'b.yaml', '--overwrite'], { cwd: folder.path });
    expect(stderr).toContain('overwriting: 3 files (42.0 KB) of the pipeline "notes"');
    expect(stderr).toContain('Removed 1 file');
    expect(status).toBe(0);
  });

  it.each([
    ['--output ""', ['run', 'p.yaml', '--output', ''], /--output <folder>' argument '' is invalid/],
    ['output: in the file', ['run', 'null.yaml'], /null\.yaml:1:1 output: must/],
    ['a blank one', ['validate', 'blank.yaml'], /blank\.yaml:1:1 output: must name a folder/],
  ])('refuses an output folder without a name: %s', async (_, args, message) => {
    await using folder = await folderWith({
      'p.yaml': notes('{ count: 1 }'),
      'null.yaml': `output:\n${notes('{ count: 1 }')}`,
      'blank.yaml': `output: ' '\n${notes('{ count: 1 }')}`,
    });
    const { status, stderr } = await deepearth(args, { cwd: folder.path });
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(folder.file('manifest.json'))).toBe(false);
  });

  it('can be killed at once and resumed: no half file has a final name', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 20, pauseMs: 20 }') });
    const { status } = await deepearth(['run', 'p.yaml', '-o', 'out'], {
      cwd: folder.path,
      kill: { signal: 'SIGKILL', after: 'note-4.txt' },
    });
    expect(status).toBe('SIGKILL');
    for (const file of await readdir(folder.file('out/notes')))
      expect(await isWhole(join(folder.path, 'out/notes', file))).toBe(true);
    expect(existsSync(folder.file('out/manifest.json'))).toBe(false);
    const again = await deepearth(['run', 'p.yaml', '-o', 'out', '--resume'], { cwd: folder.path });
    expect(again.status).toBe(0);
    expect(await readdir(folder.file('out/notes'))).toHaveLength(20);
    expect(existsSync(folder.file('out/.deepearth'))).toBe(false);
  });

  it('goes on when the reader of its lines goes away', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 30 }') });
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `set -o pipefail; "$0" "$1" run p.yaml -o out | head -1`, process.execPath, commandPath],
      { cwd: folder.path, encoding: 'utf8' },
    );
    expect(jsonLines(stdout)).toHaveLength(1);
    expect(stderr).toContain('Done in');
    expect(status).toBe(0);
    expect(await readdir(folder.file('out/notes'))).toHaveLength(30);
  });

  it('names a missing folder of frames, with its place in the file, and ends with 4', async () => {
    await using folder = await folderWith({
      'p.yaml': 'stages:\n  - type: source/frames\n    with: { directory: ./nowhere }\n  - type: windower/sliding\n',
    });
    const { status, stderr } = await deepearth(['run', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toMatch(/error: p\.yaml:3:\d+ frames: .*nowhere/);
    expect(status).toBe(4);
    expect(existsSync(folder.file('p-output'))).toBe(false);
  });

  it('names an output folder that is a file', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 1 }'), out: '' });
    const { status, stderr } = await deepearth(['run', 'p.yaml', '-o', 'out'], { cwd: folder.path });
    expect(stderr).toContain('error');
    expect(stderr).toContain('out');
    expect(stderr).not.toContain('Please report');
    expect(status).toBe(1);
  });

  const script = spawnSync('script', ['--version']).status === 0;
  it.skipIf(!script)('draws its progress on a terminal, with colours unless NO_COLOR says no', async () => {
    await using folder = await folderWith({ 'p.yaml': notes('{ count: 10, pauseMs: 40 }') });
    const onTerminal = (env: string): string =>
      spawnSync(
        'script',
        ['-qec', `stty cols 70 rows 20; ${env} ${process.execPath} ${commandPath} run p.yaml`, '/dev/null'],
        { cwd: folder.path, encoding: 'utf8', env: { ...process.env, NO_COLOR: '', FORCE_COLOR: '', TERM: 'xterm' } },
      ).stdout;
    const colored = onTerminal('');
    expect(colored).toContain('━');
    expect(colored).toMatch(/\u001b\[32mDone\u001b\[39m in/);
    expect(colored).not.toContain('"type"');
    const plain = onTerminal('NO_COLOR=1');
    expect(plain).toMatch(/✓ notes +10\/10/);
    expect(plain).not.toMatch(/\u001b\[3\dm/);
  });
});

describe('deepearth validate, plan, graph', () => {
  it('shows every issue with its place and a caret, and ends with 2', async () => {
    await using folder = await folderWith({
      'p.yaml': 'stages:\n  - type: source/synthetic\n    with: { cuont: 3 }\n  - type: windower/slidng\n',
      'good.yaml': 'stages:\n  - type: source/synthetic\n',
    });
    const { status, stdout, stderr } = await deepearth(['validate', 'p.yaml', 'good.yaml'], { cwd: folder.path });
    expect(stderr).toContain('Did you mean windower/sliding?');
    expect(stderr).toMatch(/ {4}4 \|.*windower\/slidng\n +\| +\^/);
    expect(stdout).toContain('ok good.yaml: 1 stage');
    expect(status).toBe(2);
  });

  it('points at broken YAML', async () => {
    await using folder = await folderWith({ 'p.yaml': 'stages:\n  - type: [source\n' });
    const { status, stderr } = await deepearth(['validate', 'p.yaml'], { cwd: folder.path });
    expect(stderr).toMatch(/error: p\.yaml:\d+:\d+/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(status).toBe(2);
  });

  it('returns issues as JSON', async () => {
    await using folder = await folderWith({
      'p.yaml': 'stages:\n  - type: source/synthetic\n    with: { cuont: 3 }\n',
    });
    const { status, stdout } = await deepearth(['validate', 'p.yaml', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject([
      {
        file: 'p.yaml',
        valid: false,
        issues: [{ path: 'synthetic.cuont', location: { line: 3, column: 13 }, remedy: 'Did you mean count?' }],
      },
    ]);
    expect(status).toBe(2);
  });

  it('suggests a pipeline file when there is none of that name', async () => {
    await using folder = await folderWith({ 'pipeline.yaml': 'stages: []\n' });
    const { status, stderr } = await deepearth(['run', 'pipelin.yaml'], { cwd: folder.path });
    expect(stderr).toContain('Did you mean pipeline.yaml?');
    expect(status).toBe(2);
    const inside = await deepearth(['plan', folder.path], { cwd: '/' });
    expect(inside.stderr).toContain(`Did you mean ${join(folder.path, 'pipeline.yaml')}?`);
  });

  it('suggests the path of a mistyped --set', async () => {
    await using folder = await folderWith({ 'p.yaml': 'stages:\n  - type: source/synthetic\n' });
    const { status, stderr } = await deepearth(['plan', 'p.yaml', '--set', 'synthetik.with.count=2'], {
      cwd: folder.path,
    });
    expect(stderr).toContain('Did you mean synthetic?');
    expect(status).toBe(2);
  });

  it('plans as a table and as JSON', async () => {
    await using folder = await folderWith({
      'p.yaml':
        'stages:\n  - type: source/synthetic\n    with: { count: 20, width: 64, height: 32 }\n  - type: windower/sliding\n    with: { size: 8, tail: drop }\n',
    });
    const table = await deepearth(['plan', 'p.yaml'], { cwd: folder.path });
    expect(table.stdout).toMatch(
      /sliding +windower\/sliding +synthetic +2 +clip \[time 8, height 32, width 64, channels 3\] uint8/,
    );
    expect(table.stdout).toContain('the last 4 frames fill no clip of 8 and are dropped');
    const json = await deepearth(['plan', 'p.yaml', '--json'], { cwd: folder.path });
    expect(JSON.parse(json.stdout)).toMatchObject({
      stages: [
        { id: 'synthetic', to: ['sliding'] },
        { id: 'sliding', output: { kind: 'clip', count: 2 } },
      ],
    });
  });

  it('counts the spool of two reducers on one encoder once', async () => {
    const head =
      'stages:\n  - type: source/synthetic\n    with: { count: 32, width: 64, height: 64 }\n  - type: windower/sliding\n  - id: tokens\n    type: encoder/vjepa2\n    with: { cropSize: 64 }\n';
    const reducer = (name: string) => `  - type: reducer/${name}\n    from: tokens\n`;
    await using folder = await folderWith({
      'one.yaml': head + reducer('pca'),
      'two.yaml': head + reducer('pca') + reducer('kmeans'),
    });
    interface Planned {
      stages: { id: string; output: { axes: { name: string; size: number }[]; count: number }; diskBytes: number }[];
      diskBytes: number;
    }
    const planOf = async (name: string): Promise<Planned> =>
      JSON.parse((await deepearth(['plan', name, '--json'], { cwd: folder.path })).stdout) as Planned;
    const [one, two] = [await planOf('one.yaml'), await planOf('two.yaml')];
    const { axes, count } = one.stages.find(({ id }) => id === 'tokens')!.output;
    const sizes = axes.map(({ size }) => size);
    const tokens = count * sizes.slice(0, -1).reduce((product, size) => product * size, 1);
    expect(tokens).toBeGreaterThan(0);
    expect(one.diskBytes).toBe(tokens * (sizes.at(-1)! * 2 + 3 * 4));
    expect(two.diskBytes).toBe(one.diskBytes + tokens * 4);
    expect(two.stages.map(({ diskBytes }) => diskBytes).slice(-2)).toEqual([one.diskBytes, tokens * 4]);
  });

  it('draws the graph for Mermaid, Graphviz and programs, also without the data', async () => {
    await using folder = await folderWith({
      'p.yaml': 'stages:\n  - type: source/frames\n    with: { directory: nowhere }\n  - type: windower/sliding\n',
    });
    const graph = async (format: string): Promise<string> =>
      (await deepearth(['graph', 'p.yaml', '--format', format], { cwd: folder.path })).stdout;
    expect(await graph('mermaid')).toMatch(/^flowchart LR\n[\s\S]*frames -->/);
    expect(await graph('dot')).toMatch(/"frames" -> "sliding" \[label=/);
    expect(JSON.parse(await graph('json'))).toMatchObject({ stages: [{ id: 'frames' }, { id: 'sliding' }] });
    const wrong = await deepearth(['graph', 'p.yaml', '--format', 'mermade'], { cwd: folder.path });
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean mermaid?')]);
  });
});

describe('deepearth init', () => {
  it('writes a pipeline that is valid, and does not replace one', async () => {
    await using folder = await folderWith({});
    await mkdir(folder.file('new'));
    expect((await deepearth(['init', 'new'], { cwd: folder.path })).status).toBe(0);
    expect((await deepearth(['validate', 'new/pipeline.yaml'], { cwd: folder.path })).status).toBe(0);
    await writeFile(folder.file('new/pipeline.yaml'), 'mine');
    const again = await deepearth(['init', 'new'], { cwd: folder.path });
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('--force')]);
    expect(await readFile(folder.file('new/pipeline.yaml'), 'utf8')).toBe('mine');
  });

  it('writes every template that it lists, with the files it needs', async () => {
    await using folder = await folderWith({});
    // Stages of one's own import the packages from where they lie.
    await symlink(fileURLToPath(new URL('../../../node_modules', import.meta.url)), folder.file('node_modules'), 'dir');
    const { stdout } = await deepearth(['init', '--list'], { cwd: folder.path });
    const names = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(' ')[0]!);
    expect(names).toEqual(expect.arrayContaining(['first', 'demo', 'own-reducer']));
    for (const name of names)
      expect((await deepearth(['init', '--template', name, name], { cwd: folder.path })).status).toBe(0);
    const files = names.map((name) => `${name}/pipeline.yaml`);
    const valid = await deepearth(['validate', ...files], { cwd: folder.path });
    expect(valid).toMatchObject({ status: 0, stderr: '' });
    const wrong = await deepearth(['init', '--template', 'panel'], { cwd: folder.path });
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean panels?')]);
  }, 60_000);

  it('and `schema` say in words why they cannot write', async () => {
    await using folder = await folderWith({ file: '' });
    const init = await deepearth(['init', 'file'], { cwd: folder.path });
    expect(init).toMatchObject({ status: 1, stderr: expect.stringContaining('file: is a file, not a folder. Name') });
    const schema = await deepearth(['schema', '-o', 'none/schema.json'], { cwd: folder.path });
    expect(schema).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('none/schema.json: the folder none is not there. Make it first'),
    });
  });
});
