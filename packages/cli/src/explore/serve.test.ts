import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunSeen } from '@deepearth/runtime/run-overview';
import { serve, type ServedBundle, type Serving } from './serve.ts';

let root = '';
let serving: Serving;
let origin = '';
const token = 'a-token_of-this-test';

/** Files of a page, of a bundle, and others that nobody may see. */
const files: Readonly<Record<string, string>> = {
  'page/index.html': '<title>page</title>',
  'page/app.js': 'js',
  'page/deeper/app.js': 'deeper',
  'bundle/index.json': '{}',
  'bundle/tokens/00000.bin': 'tokens',
  'bundle/layers/0/00000.bin': 'layer',
  'bundle/frames/0/00000.jpg': 'picture',
  'bundle/.env': 'secret',
  'bundle/tokens/notes.txt': 'secret',
  'secret.txt': 'secret',
  'manifest.json': 'secret',
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'serve-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  await symlink(join(root, 'secret.txt'), join(root, 'bundle/tokens/00001.bin'));
  await symlink(root, join(root, 'bundle/frames/1'));
  await writeFile(join(root, '00000.jpg'), 'secret');
  serving = await serve({ page: join(root, 'page'), bundle: join(root, 'bundle'), port: 0, token });
  origin = new URL(serving.url).origin;
});
afterAll(async () => {
  await serving.close();
  await rm(root, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** Asks for a path as it is written, without what a browser makes of it. */
const ask = (
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: object } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const asked = request({ hostname, port, path, method, headers: { ...headers } }, (response) => {
      let body = '';
      response.on('data', (piece: Buffer) => (body += piece.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
    });
    asked.on('error', reject);
    asked.end();
  });

describe('the server', () => {
  test('gives the page and what a bundle has', async () => {
    expect(serving.url).toBe(`${origin}/${token}/`);
    for (const [path, body] of [
      ['', files['page/index.html']],
      ['index.html', files['page/index.html']],
      ['app.js?v=1', 'js'],
      ['data/index.json', '{}'],
      ['data/tokens/00000.bin', 'tokens'],
      ['data/layers/0/00000.bin', 'layer'],
      ['data/frames/0/00000.jpg', 'picture'],
    ])
      expect(await ask(`/${token}/${path}`)).toMatchObject({ status: 200, body });
  });

  test('gives an empty file, and heads alone', async () => {
    await writeFile(join(root, 'bundle/tokens/00009.bin'), '');
    expect(await ask(`/${token}/data/tokens/00009.bin`)).toMatchObject({ status: 200, body: '' });
    const head = await ask(`/${token}/data/tokens/00000.bin`, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('6');
  });

  test.each([
    'data/../../secret.txt',
    'data/..%2f..%2fsecret.txt',
    'data/%2e%2e/%2e%2e/secret.txt',
    'data/tokens/../../../secret.txt',
    '../secret.txt',
    '..%5csecret.txt',
    'data//etc/passwd',
    '/etc/passwd',
    'data/tokens/00000.bin%00.txt',
    'data/tokens/notes.txt',
    'data/.env',
    'data/manifest.json',
    'data/tokens',
    'data/',
    'data',
    'deeper/app.js',
    'index.html/',
    'data/tokens/0000\u0661.bin'.replace('\u0661', '%D9%A1'),
  ])('gives nothing for %s', async (path) => {
    const { status, body } = await ask(`/${token}/${path}`);
    expect([status, body.includes('secret')]).toEqual([404, false]);
  });

  test('follows no link out of the bundle, neither of a file nor of a folder', async () => {
    expect((await ask(`/${token}/data/tokens/00001.bin`)).status).toBe(404);
    expect((await ask(`/${token}/data/frames/1/00000.jpg`)).status).toBe(404);
  });

  test('never gives what is in no list, whatever is asked for', async () => {
    const parts = fc.constantFrom(
      '..',
      '.',
      '',
      'data',
      'tokens',
      '00000.bin',
      '%2e%2e',
      '%2f',
      'secret.txt',
      '\\',
      'index.json',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 8 }), async (path) => {
        expect((await ask(`/${token}/${path.join('/')}`)).body).not.toContain('secret');
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    '',
    '/',
    '/wrong/',
    `/${token}x/`,
    `/${token.slice(1)}/data/index.json`,
    `/${token.toUpperCase()}/`,
    '//',
    '*',
  ])('refuses the path %s, without the token', async (path) => {
    const { status, body } = await ask(path || '/');
    expect(status).toBe(403);
    expect(body).not.toContain(token);
  });

  test('sends the address without its last slash to the one with it', async () => {
    const { status, headers } = await ask(`/${token}`);
    expect([status, headers['location']]).toEqual([308, `/${token}/`]);
  });

  test.each([
    'evil.example',
    'evil.example:80',
    '127.0.0.1.evil.example',
    '0.0.0.0',
    '127.0.0.1',
    'localhost',
    '[::1]',
  ])('does not answer to the host %s, which a name that was bent to this machine would say', async (host) => {
    const { status, body } = await ask(`/${token}/data/index.json`, { headers: { host } });
    // An empty one is refused before it is looked at.
    expect([400, 421]).toContain(status);
    expect(body).not.toContain('{}');
  });

  test('answers to localhost with its port', async () => {
    const { port } = new URL(origin);
    expect((await ask(`/${token}/`, { headers: { host: `localhost:${port}` } })).status).toBe(200);
    expect((await ask(`/${token}/`, { headers: { host: 'localhost:1' } })).status).toBe(421);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not take %s', async (method) => {
    expect((await ask(`/${token}/data/index.json`, { method })).status).toBe(405);
  });

  test('lets no other page read or frame it, and loads nothing from elsewhere', async () => {
    const { headers } = await ask(`/${token}/`, { headers: { origin: 'https://evil.example' } });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe-inline|https?:|\*/);
  });

  test('survives a request that is none', async () => {
    const { hostname, port } = new URL(origin);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.end('GET \u0000 nonsense\r\n\r\n'));
      socket.on('close', () => resolve());
      socket.on('error', () => undefined);
      socket.resume();
    });
    expect((await ask(`/${token}/`)).status).toBe(200);
  });

  test('listens on the loopback address alone, and says that a port is taken', async () => {
    const { hostname, port } = new URL(origin);
    expect(hostname).toBe('127.0.0.1');
    await expect(serve({ page: join(root, 'page'), bundle: join(root, 'bundle'), port: Number(port) })).rejects.toThrow(
      `--port: ${port} is taken by another program`,
    );
  });

  test('has a long secret of its own', async () => {
    const [one, two] = await Promise.all(
      [0, 0].map((port) => serve({ page: join(root, 'page'), bundle: join(root, 'bundle'), port })),
    );
    const secrets = [one, two].map((each) => new URL(each!.url).pathname);
    await Promise.all([one!.close(), two!.close()]);
    expect(secrets[0]).toMatch(/^\/[\w-]{24}\/$/);
    expect(secrets[0]).not.toBe(secrets[1]);
  });
});

test('a bundle that changes has a number: a page keeps to the one it began with, and the run is told beside it', async () => {
  let now: ServedBundle | undefined;
  let seen: RunSeen | undefined;
  const changing = await serve({ page: join(root, 'page'), bundle: () => now, port: 0, run: async () => seen });
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(changing.url + path, { redirect: 'manual', ...init });
    return [response.status, await response.text(), response.headers.get('location')?.replace(/^\/[^/]+/, '')];
  };
  try {
    expect(await get('data/index.json')).toEqual([204, '', undefined]);
    expect((await get('data/run.json'))[0]).toBe(404);
    seen = { status: 'running' } as RunSeen;
    expect(await get('data/run.json')).toEqual([200, '{"status":"running"}', undefined]);
    now = { folder: join(root, 'bundle'), version: 1 };
    expect((await get('data/1/index.json'))[0]).toBe(404);
    expect(await get('data/index.json')).toEqual([302, 'Moved.\n', '/data/1/index.json']);
    expect(await get('data/1/tokens/00000.bin')).toEqual([200, 'tokens', undefined]);
    now = { folder: join(root, 'page'), version: 2 };
    expect((await get('data/index.json'))[2]).toBe('/data/2/index.json');
    expect(await get('data/1/tokens/00000.bin')).toEqual([200, 'tokens', undefined]);
    for (const path of [
      'data/2/tokens/00000.bin',
      'data/3/index.json',
      'data/1/.env',
      'data/1/1/index.json',
      'data/1/..%2f..%2fsecret.txt',
      'data/tokens/00000.bin',
    ])
      expect([path, (await get(path))[0]]).toEqual([path, 404]);
    expect((await get('data/run.json', { method: 'POST' }))[0]).toBe(405);
  } finally {
    await changing.close();
  }
});
