// Finds PostgreSQL on this machine, and starts one for tests: node tools/postgres.mjs prints where it is, or ends with
// 1.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis.mjs';

const debian = '/usr/lib/postgresql';
const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];

/** The folder of its programs; `undefined` where it is not installed. */
export const postgresPath = [
  ...versions.map((version) => join(debian, version, 'bin')),
  ...(process.env.PATH ?? '').split(':'),
].find((folder) => existsSync(join(folder, 'initdb')));

/** What the title of a test that needs PostgreSQL ends with. */
export const withoutPostgres = postgresPath ? '' : ' (skipped: PostgreSQL is not installed)';

/** A server of its own on a free port of this machine; `end` stops it and removes its files. */
export async function startPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const port = await freePort();
  // It refuses to run as root; its package brings a user.
  const user = process.getuid?.() === 0 ? userOf('postgres') : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const run = (program, ...args) => {
    const { status, stdout, error } = spawnSync(join(postgresPath, program), args, {
      ...user,
      cwd: folder,
      stdio: ['ignore', program === 'initdb' ? 'pipe' : 'ignore', 'inherit'],
    });
    if (status !== 0) throw error ?? new Error(`${program} ended with ${status}: ${stdout}`);
  };
  run('initdb', '-D', data, '-A', 'trust', '-U', 'deepearth', '--no-sync');
  const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`;
  run('pg_ctl', '-D', data, '-o', settings, '-l', join(folder, 'log'), '-w', 'start');
  return {
    url: `postgres://deepearth@127.0.0.1:${port}/postgres`,
    end() {
      run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function userOf(name) {
  const number = (flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim());
  return { uid: number('-u'), gid: number('-g') };
}

if (process.argv[1] === import.meta.filename) {
  if (postgresPath) console.log(postgresPath);
  else process.exitCode = 1;
}
