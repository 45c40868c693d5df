import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'closing-line-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs test files the way Nx does, and returns the last line, the exit status and the counts that were left. */
function run(files: Record<string, string>) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const reporter = join(import.meta.dirname, 'closing-line.ts');
  const { stdout, status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--root', folder, '--globals', '--reporter', reporter],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, NX_TASK_TARGET_PROJECT: 'some' } },
  );
  const summary = JSON.parse(readFileSync(join(folder, 'test-results/summary.json'), 'utf8')) as unknown;
  return { last: stdout.trimEnd().split('\n').at(-1), status, summary };
}

test('what passed, failed and was skipped is counted, printed last and kept', () => {
  const { last, status, summary } = run({
    'a.test.mjs': `test('one', () => {}); test.skip('two', () => {}); test('three', () => { throw new Error('no'); });`,
  });
  expect(status).toBe(1);
  expect(last).toBe('1 passed, 1 failed, 1 skipped');
  expect(summary).toEqual({
    passed: 1,
    failed: 1,
    skipped: 1,
    failures: ['a.test.mjs > three'],
    files: { 'a.test.mjs': { passed: 1, failed: 1, skipped: 1 } },
  });
});

test.each([
  ['throws when it is loaded', `throw new Error('broken');`],
  ['holds no test', `export {};`],
])('a file that %s is one failure beside the tests of the others', (_, text) => {
  const { last, status, summary } = run({ 'a.test.mjs': `test('one', () => {});`, 'b.test.mjs': text });
  expect(status).toBe(1);
  expect(last).toBe('1 passed, 1 failed, 0 skipped');
  expect(summary).toMatchObject({ failures: ['b.test.mjs'] });
});

test('a run without any test file is a failure', () => {
  const { status, summary } = run({});
  expect(status).toBe(1);
  expect(summary).toMatchObject({ passed: 0, failed: 1 });
});
