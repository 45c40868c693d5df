import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePipeline, use, type Frame } from '@deepearth/core';
import { plan } from '@deepearth/core/plan';
import { run } from '@deepearth/runtime';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { frames } from './frames.ts';
import { list } from './list.ts';

/** What becomes of a request instead of its answer. */
type Fault = 'truncated' | 'reset' | 'silent' | number | { readonly status: number; readonly code: string } | undefined;

let server: Server;
let address = '';
let files: Map<string, Buffer>;
let asked: string[];
let fault: (path: string, times: number) => Fault;
let folder = '';

/** A web server, which is one for S3 below /bucket: it lists, and knows no ranges. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url!, 'http://here');
  const path = decodeURIComponent(url.pathname);
  const isList = url.searchParams.has('list-type');
  const name = isList ? 'list' : path;
  asked.push(name);
  const now = fault(name, asked.filter((each) => each === name).length);
  if (now === 'reset') return void request.socket.destroy();
  if (now === 'silent') return;
  if (typeof now === 'number') return void response.writeHead(now).end();
  if (typeof now === 'object')
    return void response.writeHead(now.status).end(`<Error><Code>${now.code}</Code></Error>`);
  if (isList) {
    const prefix = `/bucket/${url.searchParams.get('prefix') ?? ''}`;
    const keys = [...files.keys()].filter((key) => key.startsWith(prefix)).reverse();
    const contents = keys.map((key) => `<Contents><Key>${key.slice('/bucket/'.length)}</Key><Size>1</Size></Contents>`);
    return void response.end(`<L><IsTruncated>false</IsTruncated>${contents.join('')}</L>`);
  }
  const bytes = files.get(path);
  if (!bytes) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  response.writeHead(200, { 'content-length': bytes.length });
  if (now === 'truncated') return void response.write(bytes.subarray(0, 20), () => request.socket.destroy());
  response.end(bytes);
}

const picture = (shade: number): Promise<Buffer> =>
  sharp({ create: { width: 12, height: 8, channels: 3, background: { r: shade, g: 0, b: 90 } } })
    .png()
    .toBuffer();

beforeEach(async () => {
  files = new Map();
  asked = [];
  fault = () => undefined;
  for (let i = 0; i < 4; i++) files.set(`/bucket/season/f${i}.png`, await picture(40 * i));
  files.set('/bucket/season/notes.txt', Buffer.from('x'));
  files.set('/bucket/season/night/n0.png', await picture(200));
  files.set('/bucket/season/.hidden.png', Buffer.from('x'));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'remote-frames-'));
  vi.stubEnv('AWS_ENDPOINT_URL_S3', address);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEY');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hidden');
  vi.stubEnv('HOME', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

/** The frames of a source: each as its name and its first pixel. */
async function framesOf(source: ReturnType<typeof use>, id = 'frames'): Promise<string[]> {
  const running = run(definePipeline([source]), { output: join(folder, 'out'), resume: true });
  const seen: Promise<string>[] = [];
  running.items$(id).subscribe({
    next: (item) => {
      const frame = item as Frame;
      seen.push(frame.read().then(({ values }) => `${frame.id} ${values.data[0]}`));
    },
    error: () => undefined,
  });
  await running.end;
  return Promise.all(seen);
}
const inBucket = (options = {}) => use(frames, { directory: 's3://bucket/season', ...options });

describe('pictures in S3', () => {
  test('are the frames of a folder of the same names', async () => {
    const local = join(folder, 'season');
    await mkdir(local);
    for (const [path, bytes] of files)
      if (/season\/[^/]+$/.test(path)) await writeFile(join(local, path.split('/').at(-1)!), bytes);
    const here = await framesOf(use(frames, { directory: local }));
    await rm(join(folder, 'out'), { recursive: true });
    expect(await framesOf(inBucket())).toEqual(here);
    expect(here.map((frame) => frame.split(' ')[1])).toEqual(['0', '40', '80', '120']);
    const planned = await plan(definePipeline([inBucket()]));
    expect(planned.stages[0]!.description.output).toMatchObject({
      count: 4,
      axes: [
        { name: 'height', size: 8 },
        { name: 'width', size: 12 },
        { name: 'channels', size: 3 },
      ],
    });
  });

  test('of folders in the prefix are sequences of their own', async () => {
    expect(await framesOf(inBucket({ recursive: true }))).toHaveLength(5);
  });

  test('are asked for again where the server or the network fails for a moment', async () => {
    const faults: Fault[] = ['reset', 'truncated', 503, { status: 400, code: 'RequestTimeout' }];
    fault = (path, times) =>
      times === 1 ? faults[(path.charCodeAt(path.length - 5) || 0) % faults.length] : undefined;
    expect((await framesOf(inBucket())).map((frame) => frame.split(' ')[1])).toEqual(['0', '40', '80', '120']);
  });

  test.each([
    [{ status: 403, code: 'RequestTimeTooSkewed' }, 'E_S3', /Set the clock of this machine/],
    [{ status: 400, code: 'ExpiredToken' }, 'E_S3', /Get new keys/],
    [{ status: 403, code: 'AccessDenied' }, 'E_S3', /Ask for the right/],
    [{ status: 404, code: 'NoSuchBucket' }, 'E_S3', /Make the bucket first/],
  ] as const)('that the server refuses with %j are an error with its remedy', async (refusal, code, remedy) => {
    fault = () => refusal;
    await expect(framesOf(inBucket())).rejects.toMatchObject({
      code,
      message: expect.stringMatching(remedy) as string,
    });
    expect(asked).toHaveLength(1);
  });

  test('that are not there are an error that names the address', async () => {
    await expect(framesOf(inBucket({ directory: 's3://bucket/winter' }))).rejects.toMatchObject({
      code: 'E_FOLDER_MISSING',
      message: expect.stringMatching(/^s3:\/\/bucket\/winter: /) as string,
    });
  });

  test('that change between the first look and the reading are refused', async () => {
    const running = run(definePipeline([inBucket({ cacheBytes: 0, spillBytes: 0 })]), { output: join(folder, 'out') });
    const kept: Frame[] = [];
    running.items$('frames').subscribe({ next: (item) => void kept.push(item as Frame), error: () => undefined });
    await running.end;
    files.set('/bucket/season/f0.png', await picture(250));
    await expect(kept[0]!.read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
  });

  test('are read with the keys of a profile', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    await expect(framesOf(inBucket())).rejects.toMatchObject({ code: 'E_S3_CREDENTIALS' });
    await mkdir(join(folder, '.aws'));
    await writeFile(
      join(folder, '.aws', 'credentials'),
      '[other]\naws_access_key_id = X\n\n[camera]\naws_access_key_id = KEY\naws_secret_access_key = a=b/c+\n',
    );
    vi.stubEnv('AWS_PROFILE', 'camera');
    expect(await framesOf(inBucket())).toHaveLength(4);
  });
});

describe('addresses in a list', () => {
  const listed = async (rows: readonly string[], options = {}) => {
    await writeFile(join(folder, 'list.csv'), ['path', ...rows].join('\n'));
    return framesOf(use(list, { path: join(folder, 'list.csv'), ...options }), 'list');
  };

  test('of web servers and of S3 are read, and relative ones below an address', async () => {
    const rows = [`${address}/bucket/season/f1.png?signed=1`, 's3://bucket/season/f2.png'];
    expect((await listed(rows)).map((frame) => frame.split(' ').at(-1))).toEqual(['40', '80']);
    await rm(join(folder, 'out'), { recursive: true });
    expect(await listed(['f3.png'], { directory: `${address}/bucket/season` })).toHaveLength(1);
  });

  test('that are missing name the row and the address', async () => {
    await expect(listed([`${address}/bucket/none.png`])).rejects.toMatchObject({
      code: 'E_FILE_MISSING',
      message: expect.stringMatching(/list\.csv:2: .*none\.png/) as string,
    });
  });

  test('that are not read say so', async () => {
    await expect(listed(['ftp://host/a.png'])).rejects.toThrow(/ftp:\/\/host\/a\.png is an address that is not read/);
  });
});

test('a folder on a web server is refused with a remedy', async () => {
  await expect(framesOf(use(frames, { directory: `${address}/season` }))).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be asked what files it has.*source\/list/) as string,
  });
});
