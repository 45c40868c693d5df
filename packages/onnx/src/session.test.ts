// A session is a process: it replies, it can be killed, and its death has a reason.
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, zeros } from '@deepearth/core/tensor';
import { onnxModel } from '@deepearth/formats/onnx';
import { expect, test } from 'vitest';
import { openSession } from './session.ts';

const folder = tmpdir();

/** x · x · x …, `products` times: long enough to be interrupted. */
function powers(products: number): Uint8Array {
  const graph = onnxModel({ name: 'powers' });
  const x = graph.input('x', 'float32', ['n', 'n']);
  let y = x;
  for (let i = 0; i < products; i++) y = graph.op('MatMul', [y, x]);
  graph.op('Identity', [y], {}, { as: 'y' });
  graph.output('y', 'float32', ['n', 'n']);
  return graph.encode();
}

const identity = (n: number) => {
  const t = zeros('float32', [n, n]);
  for (let i = 0; i < n; i++) t.data[i * n + i] = 1;
  return t;
};
const endless = () => ({ model: powers(400), folder, threads: 1 });

test('a session runs calls in order, for any shape', async () => {
  const session = await openSession({ model: powers(2), folder });
  const [small, large] = await Promise.all([
    session.run({ x: tensor('float32', [1, 1], Float32Array.of(3)) }),
    session.run({ x: identity(300) }),
  ]);
  expect(small['y']).toEqual(tensor('float32', [1, 1], Float32Array.of(27)));
  expect(large['y']).toEqual(identity(300));
  await session.close();
  await session.close();
  expect(session.alive).toBe(false);
  await expect(session.run({ x: identity(1) })).rejects.toMatchObject({
    code: 'E_DISPOSED',
    message: 'the session was closed',
  });
});

test('the program goes on while a session works', async () => {
  const session = await openSession({ model: powers(20), folder, threads: 1 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  await session.run({ x: identity(700) });
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(3);
  await session.close();
});

test('a killed process is an error that says so, not a hang', async () => {
  const session = await openSession(endless());
  const running = session.run({ x: identity(1200) });
  const waiting = session.run({ x: identity(1) });
  setTimeout(() => process.kill(session.pid, 'SIGKILL'), 50);
  await expect(running).rejects.toMatchObject({
    code: 'E_SESSION_ENDED',
    message: expect.stringMatching(/process was killed by SIGKILL.*memory/s) as string,
  });
  await expect(waiting).rejects.toThrow('SIGKILL');
  expect(session.alive).toBe(false);
  await session.close();
});

test('aborting kills the process at once and rejects with the reason', async () => {
  const session = await openSession(endless());
  const controller = new AbortController();
  const running = session.run({ x: identity(1200) }, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 50);
  await expect(running).rejects.toThrow('enough');
  await session.close();
  expect(() => process.kill(session.pid, 0)).toThrow('ESRCH');
});

test('a model that cannot be opened, a wrong input and a missing device are errors with ONNX Runtime’s words', async () => {
  await expect(openSession({ model: Uint8Array.of(1, 2, 3), folder })).rejects.toThrow(/protobuf|parse|model/i);
  await expect(openSession({ model: powers(1), folder, providers: [{ name: 'dml' }] })).rejects.toThrow(
    /backend not found|dml/i,
  );
  const session = await openSession({ model: powers(1), folder });
  await expect(session.run({ z: identity(2) })).rejects.toThrow(/x|input/);
  expect((await session.run({ x: identity(2) }))['y']).toEqual(identity(2));
  await session.close();
});

test('a program that forgets its session still ends, and takes the process with it', async () => {
  const source = `
    import { openSession } from ${JSON.stringify(new URL('../dist/session.js', import.meta.url).href)};
    const session = await openSession({ model: new Uint8Array(${JSON.stringify([...powers(1)])}), folder: ${JSON.stringify(folder)} });
    process.send(session.pid);
    process.disconnect();
  `;
  const program = fork('--input-type=module', [], { execArgv: ['--input-type=module', '--eval', source] });
  const [pid] = (await once(program, 'message')) as [number];
  const [code] = (await once(program, 'exit')) as [number];
  expect(code).toBe(0);
  await expect
    .poll(
      () => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      },
      { timeout: 5000 },
    )
    .toBe(false);
});

test('a session sends no usage data and leaves nothing among temporary files', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'session-'));
  try {
    const environment = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
    const session = await openSession({ model: powers(1), folder, threads: 1, environment });
    await session.run({ x: identity(2) });
    await session.close();
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
});
