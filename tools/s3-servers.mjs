// Finds servers for S3 on this machine that others wrote, and starts one for tests: node tools/s3-servers.mjs lists
// them.
//
//   versitygw    go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
//   moto_server  pip install 'moto[server]'
//   s3rver       npm install --global s3rver

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './redis.mjs';

const pathOf = (name) =>
  (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Keys that all of them are started with; s3rver knows these alone. */
const keys = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

/** Arguments by the program. Each keeps what it has in a folder or in memory. */
const programs = {
  versitygw: (port, folder) => [
    '--port',
    `127.0.0.1:${port}`,
    '--quiet',
    'posix',
    '--sidecar',
    `${folder}/attributes`,
    `${folder}/data`,
  ],
  moto_server: (port) => ['--host', '127.0.0.1', '--port', String(port)],
  s3rver: (port, folder) => [
    '--address',
    '127.0.0.1',
    '--port',
    String(port),
    '--directory',
    `${folder}/data`,
    '--silent',
  ],
};

/** The programs there are here: name and path; `undefined` for one that is not installed. */
export const s3Servers = Object.keys(programs).map((name) => ({ name, path: pathOf(name) }));

/**
 * Starts one of `s3Servers` on a free port of this machine. `env` has what programs for S3 read; the
 * bucket is `bucket`.
 * `end` stops it and removes its files.
 */
export async function startS3({ name, path }) {
  const folder = await mkdtemp(join(tmpdir(), 's3-server-'));
  for (const part of ['data', 'attributes']) await mkdir(join(folder, part));
  const port = await freePort();
  const server = spawn(path, programs[name](port, folder), {
    cwd: folder,
    env: { ...process.env, ROOT_ACCESS_KEY: keys.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: keys.AWS_SECRET_ACCESS_KEY },
    stdio: 'ignore',
  });
  let ended = false;
  server.on('error', () => (ended = true)).on('close', () => (ended = true));
  const endpoint = `http://127.0.0.1:${port}`;
  const end = async () => {
    server.kill('SIGKILL');
    while (!ended) await pause(10);
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const answers = await fetch(endpoint).then(
      async (response) => (await response.arrayBuffer(), true),
      () => false,
    );
    if (answers) {
      const { AwsClient } = await import('aws4fetch');
      const client = new AwsClient({
        accessKeyId: keys.AWS_ACCESS_KEY_ID,
        secretAccessKey: keys.AWS_SECRET_ACCESS_KEY,
        service: 's3',
        region: 'us-east-1',
      });
      const made = await client.fetch(`${endpoint}/bucket`, { method: 'PUT' });
      if (!made.ok) throw new Error(`${name} makes no bucket: ${await made.text()}`);
      return { port, env: { ...keys, AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_S3: endpoint }, end };
    }
    if (ended || tries > 300) {
      await end();
      throw new Error(`${name} does not start`);
    }
    await pause(100);
  }
}

if (process.argv[1] === import.meta.filename)
  for (const { name, path } of s3Servers) console.log(`${name}: ${path ?? 'not on the path'}`);
