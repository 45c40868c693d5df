import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '@deepearth/core';
import { afterEach, describe, expect, test } from 'vitest';
import { openGeoTiff } from './geotiff/open-geotiff.ts';
import { openHttp } from './http-source.ts';
import { cogBytes, madeRaster } from './testing/scenes.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse, range: readonly [number, number]) => void;

async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    answer(request, response, [Number(from), Number(to)]);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/scene.tif`;
}

/** A part of a file, as servers send it. */
function part(
  response: ServerResponse,
  bytes: Uint8Array,
  [from, to]: readonly [number, number],
  etag = '"one"',
): void {
  const end = Math.min(to + 1, bytes.length);
  response.writeHead(206, {
    'content-range': `bytes ${from}-${end - 1}/${bytes.length}`,
    'content-length': end - from,
    etag,
  });
  response.end(bytes.subarray(from, end));
}

const data = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 4);
const impatient = { timeoutSeconds: 0.2, retries: 1 };
const caught = (promise: Promise<unknown>): Promise<InputError> =>
  promise.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error: InputError) => error,
  );

describe('a file on a server', () => {
  test('is read in ranges, and the first ones are not asked for twice', async () => {
    const asked: (readonly [number, number])[] = [];
    const url = await serve((_, response, range) => {
      asked.push(range);
      part(response, data, range);
    });
    const source = await openHttp(url);
    expect(source).toMatchObject({ size: data.length, version: '"one"', name: url });
    expect(await source.read(10, 100)).toEqual(data.subarray(10, 110));
    expect(asked).toEqual([[0, 65_535]]);
    expect(await source.read(150_000, 50_000)).toEqual(data.subarray(150_000));
    expect(asked[1]).toEqual([150_000, 199_999]);
    const error = await caught(source.read(199_999, 2));
    expect(error).toMatchObject({ code: 'E_FILE_TRUNCATED', subject: url });
  });

  test('shorter than the first range is whole', async () => {
    const url = await serve((_, response, range) => part(response, data.subarray(0, 50), range));
    const source = await openHttp(url);
    expect(await source.read(0, 50)).toEqual(data.subarray(0, 50));
  });

  test.each([
    ['ignores ranges', 'E_HTTP_RANGES', /ignores ranges.*Download it/],
    ['does not say how long the file is', 'E_HTTP_RANGES', /how long the file is/],
    ['has no such file', 'E_FILE_MISSING', /status 404.*address/],
    ['refuses', 'E_HTTP', /status 403/],
    ['drops the connection', 'E_HTTP_BROKEN', /asked 2 times.*onError: skip/],
    ['sends less than it says', 'E_HTTP_BROKEN', /asked 2 times/],
    ['keeps silent', 'E_HTTP_BROKEN', /sent nothing for 0.2 seconds/],
    ['is overloaded', 'E_HTTP_BROKEN', /status 503/],
  ] as const)('whose server %s is refused by its address', async (what, code, says) => {
    const answers: Record<typeof what, Answer> = {
      'ignores ranges': (_, response) => void response.writeHead(200).end(data),
      'does not say how long the file is': (_, response, [from, to]) =>
        void response.writeHead(206, { 'content-range': `bytes ${from}-${to}/*` }).end(data.subarray(from, to + 1)),
      'has no such file': (_, response) => void response.writeHead(404).end('not found'),
      refuses: (_, response) => void response.writeHead(403).end(),
      'drops the connection': ({ socket }) => void socket.destroy(),
      'sends less than it says': (_, response, [from, to]) => {
        response.writeHead(206, {
          'content-range': `bytes ${from}-${to}/${data.length}`,
          'content-length': to - from + 1,
        });
        response.write(data.subarray(0, 1000), () => response.socket?.destroy());
      },
      'keeps silent': () => undefined,
      'is overloaded': (_, response) => void response.writeHead(503).end(),
    };
    const url = await serve(answers[what]);
    const error = await caught(openHttp(url, impatient));
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code, subject: url });
    expect(error.message).toMatch(says);
  });

  test('that answers after it failed twice is read', async () => {
    let tries = 0;
    const url = await serve((request, response, range) => {
      if (tries++ < 2) request.socket.destroy();
      else part(response, data, range);
    });
    const source = await openHttp(url);
    expect(await source.read(0, 9)).toEqual(data.subarray(0, 9));
    expect(tries).toBe(3);
  });

  test('that becomes another between two reads is refused', async () => {
    let etag = '"one"';
    const url = await serve((_, response, range) => part(response, data, range, etag));
    const source = await openHttp(url);
    await source.read(100_000, 10);
    etag = '"two"';
    expect(await caught(source.read(100_000, 10))).toMatchObject({ code: 'E_INPUT_CHANGED', subject: url });
  });

  test('is given up when the run is', async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    const opening = openHttp(url, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(opening).rejects.toThrow(/enough|abort/i);
  });
});

test('of a GeoTIFF on a server a window reads its blocks alone', async () => {
  const bytes = await cogBytes(
    madeRaster((x, y, band) => (x * 7919 + y * 104_729 + band) % 60_013, { width: 2000, height: 2000 }),
  );
  let sent = 0;
  const url = await serve((_, response, range) => {
    sent += Math.min(range[1] + 1, bytes.length) - range[0];
    part(response, bytes, range);
  });
  const raster = await openGeoTiff(url);
  const head = sent;
  const { bands } = await raster.read({ bands: [1], window: { x: 700, y: 900, width: 20, height: 10 } });
  expect(bands[0]![21]).toBe((701 * 7919 + 901 * 104_729 + 1) % 60_013);
  expect(head).toBeLessThanOrEqual(65_536);
  // Of 64 blocks of the raster, one.
  expect(sent - head).toBeLessThan(bytes.length / 40);
});
