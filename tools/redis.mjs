// Finds Redis or Valkey on this machine, and starts one for tests: node tools/redis.mjs prints its path, or ends with
// 1.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The program; `undefined` where none is installed. */
export const redisPath = ['redis-server', 'valkey-server']
  .flatMap((name) => (process.env.PATH ?? '').split(':').map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

/** What the title of a test that needs Redis ends with. */
export const withoutRedis = redisPath ? '' : ' (skipped: neither redis-server nor valkey-server is on the path)';

/**
 * A server of its own on a free port of this machine. `stop` ends it as a machine does that loses its power, `start`
 * lets it come back on the same port: with what it knew where `persistent`, else with nothing; `forget` takes from one
 * that is stopped what it knew. `end` removes its files.
 */
export async function startRedis({ persistent = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let server;
  const start = () =>
    new Promise((resolve, reject) => {
      const keep = persistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...keep];
      server = spawn(redisPath, settings, { stdio: ['ignore', 'pipe', 'inherit'] });
      server.on('error', reject).on('close', () => reject(new Error('the server ended before it was ready')));
      server.stdout.on('data', (text) => /Ready to accept connections/.test(text) && resolve());
    });
  const stop = () =>
    new Promise((resolve) => {
      if (server.exitCode !== null || server.signalCode !== null) return resolve();
      server.on('close', () => resolve());
      server.kill('SIGKILL');
    });
  const forget = async () => {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    forget,
    async end() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port of this machine that nobody listens on. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

if (process.argv[1] === import.meta.filename) {
  if (redisPath) console.log(redisPath);
  else process.exitCode = 1;
}
