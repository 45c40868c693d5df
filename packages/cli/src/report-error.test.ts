import { CancelledError, ConfigError, DeepEarthError, InputError, StageError } from '@deepearth/core/errors';
import { describe, expect, it } from 'vitest';
import { errorText, excerpt, exitCodeOf } from './report-error.ts';
import { folderWith } from './testing/spawn.ts';

describe('exitCodeOf', () => {
  it.each([
    [new ConfigError([{ location: { file: 'p.yaml' }, path: '', message: 'no' }]), 2],
    [new DeepEarthError('no', { code: 'E_USAGE' }), 2],
    [new DeepEarthError('no', { code: 'E_PIPELINE_FILE' }), 2],
    [new DeepEarthError('no', { code: 'E_PLUGIN_MISSING' }), 2],
    [new InputError('a.tif', 'is broken.'), 4],
    [new StageError('frames', 'frame-1', new InputError('a.tif', 'is broken.')), 4],
    [new InputError('out', 'no space is left on the disk.', { code: 'E_DISK_FULL' }), 1],
    [new InputError('out', 'is a file.', { code: 'E_OUTPUT_NOT_A_FOLDER' }), 1],
    [new InputError('cache', 'the cache is on a disk that is full.', { code: 'E_CACHE' }), 1],
    ...['E_NOT_OURS', 'E_LINK', 'E_LOCK_LOST', 'E_FILE_CHANGED', 'E_NO_FILE'].map((code): [Error, number] => [
      new InputError('out/a.png', 'cannot be written.', { code }),
      1,
    ]),
    [new InputError('a', 'too many open files.', { code: 'E_SYSTEM_LIMIT' }), 1],
    [Object.assign(new Error('raw'), { code: 'ENOSPC', syscall: 'write' }), 1],
    [new StageError('frames', undefined, new InputError('a/f.png', 'no number.', { code: 'E_PATTERN' })), 2],
    [new StageError('umap', undefined, new Error('no')), 1],
    [new CancelledError(), 130],
    [new StageError('frames', undefined, new CancelledError()), 130],
    [new StageError('frames', undefined, new ConfigError([])), 2],
    [new DeepEarthError('no', { code: 'E_PLUGIN_NAME' }), 2],
    [new TypeError('no'), 1],
    ['no', 1],
  ])('%s', (error, code) => expect(exitCodeOf(error)).toBe(code));
});

describe('errorText', () => {
  it('takes what a plugin throws while it is loaded for no fault of the program', async () => {
    const error = new DeepEarthError('the plugin ./p.mjs cannot be loaded: no.', {
      code: 'E_PLUGIN_LOAD',
      cause: new TypeError('no'),
    });
    expect(await errorText(error)).toBe('error: the plugin ./p.mjs cannot be loaded: no.');
  });

  it('says a remedy once, whether the message has it or not', async () => {
    expect(await errorText(new DeepEarthError('It fails.', { code: 'E_X', remedy: 'Mend it.' }))).toBe(
      'error: It fails.\n  Mend it.',
    );
    expect(await errorText(new InputError('a.tif', 'is broken.', { remedy: 'Copy it again.' }))).toBe(
      'error: a.tif: is broken. Copy it again.',
    );
  });

  it('shows the line of a config issue with a caret, and does without where the file is gone', async () => {
    await using folder = await folderWith({ 'p.yaml': 'stages:\n  - type: x/y\n' });
    const issue = (file: string): ConfigError =>
      new ConfigError([
        {
          location: { file, line: 2, column: 11 },
          path: 'stages.0.type',
          message: 'is none.',
          remedy: 'Did you mean y/x?',
        },
      ]);
    expect(await errorText(issue(folder.file('p.yaml')))).toBe(
      `error: ${folder.file('p.yaml')}:2:11 stages.0.type: is none. Did you mean y/x?\n    2 |   - type: x/y\n      |           ^`,
    );
    expect(await errorText(issue('gone.yaml'))).toBe('error: gone.yaml:2:11 stages.0.type: is none. Did you mean y/x?');
  });

  it('shows the stacks of a fault with its causes, and asks for a report', async () => {
    const text = await errorText(new StageError('umap', 'clip-1', new TypeError('x is not a function')));
    expect(text).toMatch(/^error: umap \(clip-1\): x is not a function\n/);
    expect(text).toContain('caused by: TypeError');
    expect(text).toContain('Please report');
  });

  it('takes nobody else’s fault for one of the program', async () => {
    const fault = 'a fault of DeepEarth Streams itself';
    const bug = new TypeError('x is not a function');
    const ofPlugin = await errorText(new StageError('mine', 'clip-1', bug, './mine.mjs'));
    expect(ofPlugin).toContain('caused by: TypeError');
    expect(ofPlugin).toContain('The stage mine comes from the plugin ./mine.mjs: the fault is to be looked for there.');
    expect(ofPlugin).not.toContain(fault);
    expect(await errorText(new StageError('mine', undefined, new Error('no'), './mine.mjs'))).toBe(
      'error: mine: no\n  The stage mine comes from the plugin ./mine.mjs: the fault is to be looked for there.',
    );
    const input = new InputError('a.tif', 'is broken.');
    for (const [error, said] of [
      [new StageError('umap', 'clip-1', bug), true],
      [bug, true],
      [new StageError('umap', undefined, new RangeError('Array buffer allocation failed')), false],
      [new StageError('mine', 'clip-1', input, './mine.mjs'), false],
      [new StageError('umap', undefined, new Error('no')), false],
      // What the platform threw is explained by the error around it.
      [new InputError('a.zip', 'is damaged.', { cause: bug }), false],
      [
        new StageError('frames', undefined, new InputError('a.zip', 'is damaged.', { cause: new RangeError('x') })),
        false,
      ],
    ] as const)
      expect((await errorText(error)).includes(fault)).toBe(said);
    expect(await errorText(new StageError('mine', 'clip-1', input, './mine.mjs'))).not.toContain('plugin');
  });

  it('says in words what the operating system refused', async () => {
    const { writeFile } = await import('node:fs/promises');
    const error: unknown = await writeFile('/no/such/folder/file', '').catch((caught: unknown) => caught);
    expect(await errorText(error)).toMatch(/^error: \/no\/such\/folder\/file: is not there\. Look at the path\.$/);
  });

  it('shows the part of a long line that is at fault', () => {
    const [line, caret] = excerpt(`${'a'.repeat(200)}X${'b'.repeat(100)}`, 7, 201).split('\n');
    expect(line!.length).toBeLessThan(130);
    expect(line![caret!.indexOf('^')]).toBe('X');
  });
});
