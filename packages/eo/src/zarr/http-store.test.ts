// Stores and files on a server that behaves as servers do on bad days.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hdf5 } from '../netcdf/netcdf4.ts';
import { openNetcdf } from '../netcdf/open-netcdf.ts';
import { weatherStore } from '../testing/make-zarr.ts';
import { netcdf3 } from '../testing/make-netcdf3.ts';
import { httpStore } from './http-store.ts';
import { openZarr, openZarrStore } from './open-zarr.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Uint8Array | undefined) => boolean;

const files = new Map([...weatherStore()].map(([key, bytes]) => [`/store.zarr/${key}`, bytes]));
const large = netcdf3({
  version: 2,
  dimensions: { time: 3, y: 200, x: 300 },
  variables: {
    v: { dimensions: ['time', 'y', 'x'], type: 'int16', value: (t, y, x) => t * 1000 + ((y * 300 + x) % 997) },
    time: { dimensions: ['time'], type: 'float64', attributes: { units: 'days since 2024-01-01' }, value: (t) => t },
  },
});
files.set('/large.nc', large);

let requests: string[] = [];
/** What is answered in another way; returns whether it was. */
let odd: Answer = () => false;
const server = createServer((request, response) => {
  const path = decodeURIComponent(request.url!.split('?')[0]!);
  const body = files.get(path);
  requests.push(`${path} ${request.headers.range ?? ''}`.trim());
  if (odd(request, response, body)) return;
  if (!body) return void response.writeHead(404).end();
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (!range) return void response.writeHead(200, { etag: '"one"' }).end(body);
  const [from, to] = [Number(range[1]), Math.min(Number(range[2]), body.length - 1)];
  response
    .writeHead(206, { etag: '"one"', 'content-range': `bytes ${from}-${to}/${body.length}` })
    .end(body.subarray(from, to + 1));
});
let address = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  requests = [];
  odd = () => false;
});

const patience = { timeoutSeconds: 0.3, retries: 1 };
const open = async (names: readonly string[] = ['t2m']) =>
  openZarrStore(await httpStore(`${address}/store.zarr`, undefined, patience), { names });

describe('a Zarr store on a server', () => {
  test('is opened by the name of a variable, with the coordinates that it names, and read chunk by chunk', async () => {
    const cube = await openZarr(`${address}/store.zarr`, { names: ['t2m'] });
    expect([...cube.arrays.keys()]).toEqual(['lat', 'lon', 't2m', 'time']);
    requests = [];
    const { data } = await cube.arrays.get('t2m')!.read([
      { start: 4, count: 1 },
      { start: 9, count: 1 },
      { start: 0, count: 3 },
    ]);
    expect([...data]).toEqual([49, 48, 47]);
    expect(requests).toEqual(['/store.zarr/t2m/c/2/1/0']);
  });

  test('cannot be listed, and says what helps', async () => {
    await expect(open([])).rejects.toMatchObject({
      code: 'E_ZARR_METADATA',
      message: expect.stringContaining('Name the `variable`, or consolidate the metadata') as string,
    });
  });

  test('a chunk that is not there is missing; one that the server refuses is an error', async () => {
    const array = (await open()).arrays.get('t2m')!;
    odd = (request, response) => /c\/0\/0\/0/.test(request.url!) && (response.writeHead(404).end(), true);
    expect((await array.read([0, 0, 0].map((start) => ({ start, count: 1 })))).data[0]).toBe(0);
    odd = (request, response) => /c\/1\/0\/0/.test(request.url!) && (response.writeHead(403).end(), true);
    await expect(array.read([2, 0, 0].map((start) => ({ start, count: 1 })))).rejects.toThrow(
      /t2m\/c\/1\/0\/0: was refused by the server with status 403/,
    );
  });

  test.each<[string, Answer, RegExp]>([
    [
      'drops the connection',
      (_, response, body) => (
        response.writeHead(200, { 'content-length': body!.length }),
        response.write(body!.subarray(0, 10), () => response.destroy()),
        true
      ),
      /c\/0\/0\/0: .*\(asked 2 times\)/,
    ],
    ['is silent', () => true, /c\/0\/0\/0: sent nothing for 0\.3 seconds \(asked 2 times\)/],
    [
      'is overloaded',
      (_, response) => (response.writeHead(503).end(), true),
      /c\/0\/0\/0: was refused with status 503 \(asked 2 times\)/,
    ],
  ])('a server that %s is asked again, and then named', async (_, answer, message) => {
    const array = (await open()).arrays.get('t2m')!;
    const one = [0, 1, 1].map((start) => ({ start, count: 1 }));
    odd = answer;
    await expect(array.read(one)).rejects.toMatchObject({
      code: 'E_HTTP_BROKEN',
      message: expect.stringMatching(message) as string,
    });
    let failures = 1;
    odd = (...all) => failures-- > 0 && answer(...all);
    expect((await array.read(one)).data[0]).toBe(0);
  });
});

test('a NetCDF-4 file on a server is downloaded once, and read like one on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'netcdf-4-'));
  const { File } = await hdf5();
  const made = new File(join(folder, 'made.nc'), 'w');
  made.create_dataset({ name: 'v', data: new Int16Array([1, 2, 3, 4, 5, 6]), shape: [2, 3] });
  made.close();
  files.set('/made.nc', await readFile(join(folder, 'made.nc')));
  await rm(folder, { recursive: true });
  for (let time = 0; time < 2; time++) {
    const cube = await openNetcdf(`${address}/made.nc`, undefined, patience);
    expect([...(await cube.arrays.get('v')!.read()).data]).toEqual([1, 2, 3, 4, 5, 6]);
    await cube.close();
  }
  // Its first bytes each time; what is small came with them.
  expect(requests).toEqual(['/made.nc bytes=0-65535', '/made.nc bytes=0-65535']);
});

describe('a NetCDF-3 file on a server', () => {
  const slice = [
    { start: 2, count: 1 },
    { start: 100, count: 2 },
    { start: 0, count: 300 },
  ];

  test('is read in ranges, no more than is asked for', async () => {
    const cube = await openNetcdf(`${address}/large.nc`, undefined, patience);
    requests = [];
    const { data } = await cube.arrays.get('v')!.read(slice);
    expect(data[0]).toBe(2000 + (30_000 % 997));
    expect(requests).toHaveLength(1);
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(requests[0]!)!;
    expect(Number(to) - Number(from) + 1).toBe(2 * 300 * 2);
  });

  test('a server that ignores ranges is named', async () => {
    odd = (_, response, body) => (response.writeHead(200).end(body), true);
    await expect(openNetcdf(`${address}/large.nc`, undefined, patience)).rejects.toMatchObject({
      code: 'E_HTTP_RANGES',
    });
  });

  test('a file that was replaced since it was opened is refused by its ETag', async () => {
    const cube = await openNetcdf(`${address}/large.nc`, undefined, patience);
    odd = (request, response, body) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!;
      response.writeHead(206, { etag: '"two"', 'content-range': `bytes ${from}-${to}/${body!.length}` });
      response.end(body!.subarray(Number(from), Number(to) + 1));
      return true;
    };
    await expect(cube.arrays.get('v')!.read(slice)).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
  });
});
