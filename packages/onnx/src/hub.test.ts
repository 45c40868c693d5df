import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchFromHub, fetchModel, parseHubName, type FetchOptions } from './hub.ts';
import { listCached } from './hub-cache.ts';
import { hubEnvironment } from './hub-environment.ts';
import { withLock } from './hub-lock.ts';

const commit = 'a'.repeat(40);
const weights = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const config = Buffer.from('{"model_type":"vjepa2"}\n');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const gitDigest = (bytes: Buffer) => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** What the imitated Hub does; tests change it. */
interface Behaviour {
  files: Record<string, Buffer>;
  /** Break off a download after so many bytes; one entry per request for weights. */
  breaks: number[];
  /** Bytes to send instead of the weights; one entry per request. */
  forged: Buffer[];
  ranges: boolean;
  /** The size that is listed for weights, when it is not the true one. */
  listedBytes?: number;
  status?: { code: number; error?: string };
  token?: string;
}

let hub: Behaviour;
let server: Server;
let home: string;
let log: { method: string; url: string; range: string | undefined; authorization: string | undefined }[];

const isLarge = (path: string) => path.endsWith('.safetensors');

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url!, 'http://hub');
  log.push({
    method: request.method!,
    url: url.pathname,
    range: request.headers.range,
    authorization: request.headers.authorization,
  });
  const refuse = (code: number, error?: string) =>
    response.writeHead(code, error ? { 'X-Error-Code': error } : {}).end('{}');
  if (hub.status) return void refuse(hub.status.code, hub.status.error);
  if (hub.token && request.headers.authorization !== `Bearer ${hub.token}`) return void refuse(401, 'GatedRepo');
  const info = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(url.pathname);
  if (info) {
    if (info[1] !== 'facebook/vjepa2-small') return void refuse(404, 'RepoNotFound');
    if (!['main', 'v1', commit].includes(decodeURIComponent(info[2]!))) return void refuse(404, 'RevisionNotFound');
    return void response
      .writeHead(200, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ _id: '1', id: info[1], sha: commit, private: false, lastModified: '2025-06-01' }));
  }
  if (url.pathname === `/api/models/facebook/vjepa2-small/paths-info/${commit}`) {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const { paths } = JSON.parse(body) as { paths: string[] };
      const entries = paths
        .filter((path) => hub.files[path])
        .map((path) => {
          const bytes = hub.files[path]!;
          return {
            type: 'file',
            path,
            size: bytes.length,
            oid: gitDigest(bytes),
            ...(isLarge(path) && {
              lfs: { oid: sha256(bytes), size: hub.listedBytes ?? bytes.length, pointerSize: 134 },
            }),
          };
        });
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(entries));
    });
    return;
  }
  const file = /^\/facebook\/vjepa2-small\/resolve\/a{40}\/(.+)$/.exec(url.pathname)?.[1];
  // Large files are somewhere else, behind a redirect, as on the real Hub.
  if (file && hub.files[file] && isLarge(file))
    return void response
      .writeHead(302, { Location: `http://localhost:${(server.address() as AddressInfo).port}/cdn/${file}` })
      .end();
  const path = file ?? /^\/cdn\/(.+)$/.exec(url.pathname)?.[1];
  if (!path || !hub.files[path]) return void refuse(404, 'EntryNotFound');
  let bytes = hub.files[path];
  if (isLarge(path) && hub.forged.length) bytes = hub.forged.shift()!;
  const from = hub.ranges ? Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? NaN) : NaN;
  const part = Number.isNaN(from) ? bytes : bytes.subarray(from);
  response.writeHead(Number.isNaN(from) ? 200 : 206, {
    'Content-Length': part.length,
    ...(!Number.isNaN(from) && { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  const breakAt = isLarge(path) ? hub.breaks.shift() : undefined;
  if (breakAt === undefined) return void response.end(part);
  response.write(part.subarray(0, breakAt), () => setTimeout(() => response.destroy(), 20));
}

beforeEach(async () => {
  hub = {
    files: { 'config.json': config, 'model.safetensors': weights, 'README.md': Buffer.from('no') },
    breaks: [],
    forged: [],
    ranges: true,
  };
  log = [];
  home = await mkdtemp(join(tmpdir(), 'hub-'));
  server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(home, { recursive: true, force: true });
});

const model = 'facebook/vjepa2-small';
const options = (more: FetchOptions = {}, variables: Record<string, string> = {}): FetchOptions => ({
  pauses: [1, 1, 1],
  variables: {
    HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    HF_HOME: home,
    ...variables,
  },
  ...more,
});
const repository = () => join(home, 'hub', 'models--facebook--vjepa2-small');
const downloads = () => log.filter(({ url }) => url.startsWith('/cdn/'));

describe('fetching a model', () => {
  it('lays it out as Python does: blobs by digest, links by commit, a name for the commit', async () => {
    const seen: number[] = [];
    const { folder, revision, files } = await fetchFromHub(
      model,
      options({ progress: ({ doneBytes }) => seen.push(doneBytes) }),
    );
    expect([folder, revision, files]).toEqual([
      join(repository(), 'snapshots', commit),
      commit,
      ['config.json', 'model.safetensors'],
    ]);
    expect(Buffer.compare(await readFile(join(folder, 'model.safetensors')), weights)).toBe(0);
    expect(await readlink(join(folder, 'model.safetensors'))).toBe(join('..', '..', 'blobs', sha256(weights)));
    expect(await readFile(join(repository(), 'refs', 'main'), 'utf8')).toBe(commit);
    expect((await readdir(join(repository(), 'blobs'))).sort()).toEqual([gitDigest(config), sha256(weights)].sort());
    expect(seen.at(-1)).toBe(config.length + weights.length);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(await listCached(join(home, 'hub'))).toEqual([
      { name: model, revision: commit, folder, bytes: config.length + weights.length },
    ]);
  });

  it('takes what is in the cache: nothing is downloaded twice, and without a network nothing is asked', async () => {
    const first = await fetchModel(model, options());
    log.length = 0;
    expect(await fetchModel(model, options())).toBe(first);
    expect(log.map(({ url }) => url)).toEqual([`/api/models/${model}/revision/main`]);
    log.length = 0;
    expect(await fetchModel(`${model}@${commit}`, options())).toBe(first);
    expect(await fetchModel(model, options({ offline: true }))).toBe(first);
    expect(await fetchModel(model, options({}, { HF_HUB_OFFLINE: 'yes' }))).toBe(first);
    expect(log).toEqual([]);
    await expect(fetchModel('facebook/vjepa2-other', options({ offline: true }))).rejects.toThrow(
      /not in the cache.*model fetch facebook\/vjepa2-other/,
    );
  });

  it('goes on where a dropped connection left it', async () => {
    hub.breaks = [120_000, 50_000];
    const folder = await fetchModel(model, options());
    expect(Buffer.compare(await readFile(join(folder, 'model.safetensors')), weights)).toBe(0);
    expect(downloads().length).toBe(3);
    const starts = downloads().map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0));
    expect(starts[0]).toBe(0);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
  });

  it('goes on after the process was killed, and gives up only when nothing comes at all', async () => {
    hub.breaks = [100_000, 0, 0, 0, 0, 0];
    await expect(fetchModel(model, options())).rejects.toThrow(
      /model\.safetensors: the download broke off at \d+ of 300000 bytes.*goes on from there/,
    );
    hub.breaks = [];
    log.length = 0;
    const folder = await fetchModel(model, options());
    expect(downloads().map(({ range }) => range)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-299999$/)]);
    expect(Buffer.compare(await readFile(join(folder, 'model.safetensors')), weights)).toBe(0);
  });

  it('starts over with a server that does not send parts', async () => {
    hub.ranges = false;
    hub.breaks = [120_000];
    const folder = await fetchModel(model, options());
    expect(Buffer.compare(await readFile(join(folder, 'model.safetensors')), weights)).toBe(0);
  });

  it('drops bytes whose digest is wrong, tries once more, and then says so', async () => {
    const forged = Buffer.from(weights);
    forged[7]! ^= 1;
    hub.forged = [forged];
    const folder = await fetchModel(model, options());
    expect(Buffer.compare(await readFile(join(folder, 'model.safetensors')), weights)).toBe(0);
    await rm(home, { recursive: true });
    hub.forged = [forged, forged];
    await expect(fetchModel(model, options())).rejects.toThrow(
      /model\.safetensors: its digest is [0-9a-f]{64}, the Hub lists/,
    );
    expect(await readdir(join(repository(), 'blobs'))).toEqual([gitDigest(config)]);
    await expect(fetchModel(model, options({ offline: true }))).rejects.toThrow(/not in the cache/);
  });

  it('finds a damaged blob when asked to verify', async () => {
    await fetchModel(model, options());
    await fetchModel(model, options({ verify: true }));
    await writeFile(join(repository(), 'blobs', sha256(weights)), 'damaged');
    await expect(fetchModel(model, options({ verify: true }))).rejects.toThrow(/its digest is/);
  });

  it('fetches the shards that an index names', async () => {
    const index = Buffer.from(
      JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-1.safetensors' } }),
    );
    hub.files = {
      'config.json': config,
      'model.safetensors.index.json': index,
      'model-1.safetensors': weights,
      'model-2.safetensors': weights.subarray(9),
    };
    expect((await fetchFromHub(model, options())).files).toEqual([
      'config.json',
      'model-1.safetensors',
      'model-2.safetensors',
    ]);
    await rm(home, { recursive: true });
    hub.files['model.safetensors.index.json'] = Buffer.from(
      JSON.stringify({ weight_map: { a: '../../escape.safetensors' } }),
    );
    await expect(fetchModel(model, options())).rejects.toThrow(/no config\.json with model\.safetensors/);
  });

  it('sends the token to the Hub and to no other host', async () => {
    hub.token = 'hf_secret';
    await expect(fetchModel(model, options())).rejects.toThrow(/access to it is restricted.*HF_TOKEN/);
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'token'), 'hf_secret\n');
    hub.files = { 'config.json': config, 'model.safetensors': weights };
    // The imitated store asks for no token: it must not get one.
    const asked = hub.token;
    const store = createServer((request, response) => {
      log.push({
        method: 'GET',
        url: '/cdn/elsewhere',
        range: request.headers.range,
        authorization: request.headers.authorization,
      });
      response.end(weights);
    });
    await new Promise<void>((done) => store.listen(0, '127.0.0.1', done));
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      request.url!.includes('/resolve/') && isLarge(request.url!)
        ? response.writeHead(302, { Location: `http://localhost:${(store.address() as AddressInfo).port}/x` }).end()
        : answer(request, response),
    );
    await fetchModel(model, options());
    await new Promise((done) => store.close(done));
    expect(asked).toBe('hf_secret');
    expect(downloads().map(({ authorization }) => authorization)).toEqual([undefined]);
    expect(log.find(({ url }) => url.includes('/revision/main'))).toBeDefined();
  });

  it('says what to do when there is no such model, revision, right or network', async () => {
    const known = ['facebook/vjepa2-vitl-fpc64-256', 'facebook/vjepa2-vitg-fpc64-384'];
    await expect(fetchModel('facebook/vjepa2-vitg-fpc64-383', { ...options(), known })).rejects.toThrow(
      /no such model.*Did you mean facebook\/vjepa2-vitg-fpc64-384\?/,
    );
    await expect(fetchModel('facebook/vjepa2-vitg-fpc64-383', options())).rejects.toMatchObject({
      code: 'E_MODEL_MISSING',
      remedy: 'See deepearth model list.',
    });
    await expect(fetchModel(`${model}@v9`, options())).rejects.toMatchObject({
      code: 'E_MODEL_REVISION',
      message: expect.stringContaining('no revision "v9"') as string,
    });
    hub.status = { code: 403 };
    await expect(fetchModel(model, options())).rejects.toThrow(/restricted/);
    hub.status = { code: 401, error: 'RepoNotFound' };
    await expect(fetchModel(model, options())).rejects.toThrow(/no such model, or it is private/);
    hub.status = { code: 503 };
    await expect(fetchModel(model, options())).rejects.toThrow(/does not answer: .* 503/);
    await expect(fetchModel(model, options({}, { HF_ENDPOINT: 'http://127.0.0.1:1' }))).rejects.toThrow(
      /does not answer.*HF_ENDPOINT/,
    );
    await expect(fetchModel('no name', options())).rejects.toThrow(/organisation\/model/);
    await expect(fetchModel(model, options({}, { HF_ENDPOINT: 'mirror' }))).rejects.toMatchObject({
      code: 'E_HUB_ADDRESS',
      subject: 'HF_ENDPOINT',
    });
  });

  it('begins no download that does not fit on the disk', async () => {
    hub.listedBytes = 1e18;
    await expect(fetchModel(model, options())).rejects.toThrow(
      /1000000000\.00 GB are needed, .* free on this disk.*HF_HOME/,
    );
    expect(downloads()).toEqual([]);
  });

  it('stops a server that sends more, or less, than it listed', async () => {
    hub.listedBytes = weights.length - 1000;
    await expect(fetchModel(model, options())).rejects.toThrow(/model\.safetensors: .*(sent more|digest)/);
    hub.listedBytes = weights.length + 1000;
    await expect(fetchModel(model, options())).rejects.toThrow(/model\.safetensors: .*(broke off|digest)/);
    await expect(fetchModel(model, options({ offline: true }))).rejects.toThrow(/not in the cache/);
  });

  it('uses the cache, with a warning, while the Hub is down', async () => {
    const folder = await fetchModel(model, options());
    hub.status = { code: 502 };
    const warnings: string[] = [];
    expect(await fetchModel(model, options({ warn: (text) => warnings.push(text) }))).toBe(folder);
    expect(warnings).toEqual([expect.stringMatching(/does not answer.*as it is in the cache/)]);
  });

  it('stops when it is told to, and leaves what has come for the next time', async () => {
    const abort = new AbortController();
    hub.breaks = [200_000];
    const stopped = fetchModel(
      model,
      options({
        signal: abort.signal,
        progress: ({ file, doneBytes }) => file === 'model.safetensors' && doneBytes > 60_000 && abort.abort(),
      }),
    );
    await expect(stopped).rejects.toThrow(/cancelled/);
    hub.breaks = [];
    log.length = 0;
    await fetchModel(model, options());
    expect(downloads()[0]!.range).toMatch(/^bytes=[1-9]/);
  });

  it('lets two at once fetch the file once', async () => {
    await Promise.all([fetchModel(model, options()), fetchModel(model, options())]);
    expect(downloads().length).toBe(1);
  });
});

describe('names and places', () => {
  it('tells a name on the Hub from a path', () => {
    expect(parseHubName('facebook/vjepa2-vitl-fpc64-256')).toEqual({
      name: 'facebook/vjepa2-vitl-fpc64-256',
      revision: 'main',
    });
    expect(parseHubName('a/b@refs/pr/3')).toEqual({ name: 'a/b', revision: 'refs/pr/3' });
    for (const path of ['./a/b', 'a', 'a/b/c', '/a/b', 'a\\b', 'a/..', '../a', 'a/b@../c', ''])
      expect(parseHubName(path), path).toBeUndefined();
  });

  it('reads the variables as Python does', async () => {
    expect(hubEnvironment({ HF_HOME: '/h' })).toMatchObject({
      cache: '/h/hub',
      endpoint: 'https://huggingface.co',
      offline: false,
    });
    expect(
      hubEnvironment({ HF_HOME: '/h', HF_HUB_CACHE: '/c', HF_ENDPOINT: 'https://m/', HF_HUB_OFFLINE: '1' }),
    ).toMatchObject({ cache: '/c', endpoint: 'https://m', offline: true });
    expect(hubEnvironment({ XDG_CACHE_HOME: '/x' }).cache).toBe('/x/huggingface/hub');
    expect(await hubEnvironment({ HF_TOKEN: ' hf_a\n', HF_HOME: home }).token()).toBe('hf_a');
    expect(await hubEnvironment({ HF_HOME: home }).token()).toBeUndefined();
  });

  it('takes over the lock of a process that is gone', async () => {
    await mkdir(join(home, 'locks'), { recursive: true });
    const { hostname } = await import('node:os');
    await writeFile(join(home, 'locks', 'x'), `999999999 ${hostname()}`);
    expect(await withLock(join(home, 'locks', 'x'), undefined, async () => 'mine')).toBe('mine');
    expect(await readdir(join(home, 'locks'))).toEqual([]);
  });
});
