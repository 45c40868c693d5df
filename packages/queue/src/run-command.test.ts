import { expect, test } from 'vitest';
import { runCommand } from './run-command.ts';

const node = (program: string) =>
  runCommand([process.execPath, '-e', program], { signal: new AbortController().signal });

test('a command that fails is told by its error event, without what it said before', async () => {
  const error = JSON.stringify({ type: 'error', code: 'E_INPUT', message: 'f.png: is damaged.' });
  await expect(
    node(`console.error('warning: edges'); console.log(${JSON.stringify(error)}); process.exitCode = 4`),
  ).rejects.toMatchObject({ message: 'ended with 4: f.png: is damaged.', code: 'E_INPUT' });
});

test('one that has no such event is told by what it said last, or by how it ended', async () => {
  await expect(node(`console.error('out of memory'); process.exitCode = 7`)).rejects.toMatchObject({
    message: 'ended with 7: out of memory',
    code: undefined,
  });
  await expect(node(`process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 9999)`)).rejects.toMatchObject({
    message: 'was ended by SIGKILL: it said nothing.',
  });
});

test('skipped items are a result', async () => {
  expect(await node('process.exitCode = 3')).toBe(3);
});
