// The Hub is reached through real proxies on this machine: plain requests, tunnels, names and passwords.
import { createServer as createHttp, request, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { certificate, key } from './testing/certificate.ts';
import { isTimeOut, pauseBeforeNext } from './hub-patience.ts';
import { goesDirectly, proxiedFetch, proxyFor } from './hub-proxy.ts';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const listening = async <S extends Server>(server: S): Promise<S> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

let hub: Server;
let secure: Server;
let proxy: Server;
/** What the proxy was asked, and what it wants to be told. */
let asked: { line: string; authorization: string | undefined }[] = [];
let password: string | undefined;
/** The names that only the proxy knows. */
const target = (host: string): number => (host.startsWith('secure.') ? portOf(secure) : portOf(hub));

beforeAll(async () => {
  const answer = (incoming: IncomingMessage, response: import('node:http').ServerResponse): void => {
    const { url = '', headers } = incoming;
    if (url === '/moved') return void response.writeHead(302, { location: 'https://secure.hub.test/there' }).end();
    if (url === '/slow') return;
    let body = '';
    incoming.on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => response.end(JSON.stringify({ url, body, authorization: headers.authorization ?? null })));
  };
  hub = await listening(createHttp(answer));
  secure = await listening(createHttps({ key, cert: certificate }, answer) as unknown as Server);
  const allowed = ({ method, url, headers }: IncomingMessage): boolean => {
    const authorization = headers['proxy-authorization'];
    asked.push({ line: `${method} ${url}`, authorization });
    return password === undefined || authorization === `Basic ${Buffer.from(password).toString('base64')}`;
  };
  proxy = await listening(
    createHttp((incoming, response) => {
      if (!allowed(incoming)) return void response.writeHead(407).end();
      const { hostname, pathname } = new URL(incoming.url!);
      const { method, headers } = incoming;
      const onward = request({ port: target(hostname), path: pathname, method, headers }, (answered) => {
        response.writeHead(answered.statusCode!, answered.headers);
        answered.pipe(response);
      });
      onward.on('error', () => response.destroy());
      incoming.pipe(onward);
    }).on('connect', (incoming: IncomingMessage, socket: import('node:net').Socket) => {
      if (!allowed(incoming)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      if (incoming.url!.startsWith('forbidden.')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const onward = connect(target(incoming.url!), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on('error', () => (onward.destroy(), socket.destroy()));
    }),
  );
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
});
afterAll(() => {
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  for (const server of [hub, secure, proxy]) (server.closeAllConnections(), server.close());
});
beforeEach(() => {
  asked = [];
  password = undefined;
});

const via = (credentials = ''): string => `http://${credentials}127.0.0.1:${portOf(proxy)}`;
const get = async (url: string, variables: object, init?: RequestInit): Promise<unknown> =>
  (await proxiedFetch(variables as Record<string, string>)(url, init)).json();

describe('a proxy', () => {
  it('is asked for plain addresses itself, and for a tunnel to secure ones', async () => {
    const variables = { HTTP_PROXY: via(), https_proxy: via() };
    expect(await get('http://hub.test/a', variables, { method: 'POST', body: 'b' })).toMatchObject({
      url: '/a',
      body: 'b',
    });
    expect(await get('https://secure.hub.test/c', variables)).toMatchObject({ url: '/c' });
    expect(asked.map(({ line }) => line)).toEqual(['POST http://hub.test/a', 'CONNECT secure.hub.test:443']);
  });

  it('gets the name and password of its address, and says when it wants others', async () => {
    password = 'me@home:p:ss';
    const own = via('me%40home:p%3Ass@');
    expect(await get('http://hub.test/a', { http_proxy: own })).toMatchObject({ url: '/a' });
    expect(await get('https://secure.hub.test/b', { https_proxy: own })).toMatchObject({ url: '/b' });
    for (const url of ['http://hub.test/a', 'https://secure.hub.test/b'])
      for (const [variable, wanted] of [
        [via(), 'asks for a name and a password (407)'],
        [via('me:wrong@'), 'asks for another name and password (407)'],
      ] as const)
        await expect(get(url, { all_proxy: variable }), url).rejects.toThrow(wanted);
    await expect(get('https://forbidden.test/', { HTTPS_PROXY: via('me%40home:p%3Ass@') })).rejects.toThrow(
      `127.0.0.1:${portOf(proxy)}: the proxy of HTTPS_PROXY does not lead to forbidden.test (403)`,
    );
  });

  it('is chosen for each step of a redirect, and a token stays with its host', async () => {
    const variables = { HTTP_PROXY: via(), HTTPS_PROXY: via() };
    const headers = { authorization: 'Bearer secret' };
    expect(await get('http://hub.test/kept', variables, { headers })).toMatchObject({ authorization: 'Bearer secret' });
    expect(await get('http://hub.test/moved', variables, { headers })).toEqual({
      url: '/there',
      body: '',
      authorization: null,
    });
    expect(asked.at(-1)!.line).toBe('CONNECT secure.hub.test:443');
  });

  it('is left out for the hosts of NO_PROXY, and stops with the signal', async () => {
    const direct = `http://127.0.0.1:${portOf(hub)}/a`;
    expect(await get(direct, { HTTP_PROXY: via(), NO_PROXY: '127.0.0.0/8' })).toMatchObject({ url: '/a' });
    expect(asked).toEqual([]);
    const stop = new AbortController();
    // As runs have it: a signal that follows others.
    const signal = AbortSignal.any([stop.signal, new AbortController().signal]);
    expect(await get('http://hub.test/a', { HTTP_PROXY: via() }, { signal })).toMatchObject({ url: '/a' });
    const waiting = get('http://hub.test/slow', { HTTP_PROXY: via() }, { signal });
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(waiting).rejects.toThrow('stopped');
    await expect(get('http://hub.test/a', { HTTP_PROXY: via() }, { signal })).rejects.toThrow('stopped');
  });
});

test.each<[string, string, boolean]>([
  ['*', 'https://huggingface.co', true],
  ['', 'https://huggingface.co', false],
  ['huggingface.co', 'https://huggingface.co', true],
  ['.huggingface.co', 'https://cdn.huggingface.co', true],
  ['*.huggingface.co, x', 'https://cdn.huggingface.co', true],
  ['huggingface.co', 'https://cdn.HuggingFace.co', true],
  ['gingface.co', 'https://huggingface.co', false],
  ['a b,huggingface.co:443', 'https://huggingface.co', true],
  ['huggingface.co:80', 'https://huggingface.co', false],
  ['localhost:8080', 'http://localhost:8080', true],
  ['localhost:8080', 'http://localhost:8081', false],
  ['10.0.0.0/8', 'http://10.1.2.3', true],
  ['10.0.0.0/8', 'http://11.1.2.3', false],
  ['10.0.0.0/99', 'http://10.1.2.3', false],
  ['[::1]:9', 'http://[::1]:9', true],
  ['::1', 'http://[::1]:9', true],
  ['fd00::/8', 'http://[fd12::1]', true],
])('NO_PROXY=%j and %s: %s', (list, url, expected) => {
  expect(goesDirectly(new URL(url), list)).toBe(expected);
});

test('lower case goes before upper case, an empty value means none, and what is no address is refused', () => {
  const proxyOf = (variables: Record<string, string>) =>
    proxyFor(new URL('https://huggingface.co'), variables)?.proxy.href;
  expect(proxyOf({ HTTPS_PROXY: 'http://a', https_proxy: 'http://b:1' })).toBe('http://b:1/');
  expect(proxyOf({ HTTPS_PROXY: 'http://a', https_proxy: '' })).toBeUndefined();
  expect(proxyOf({ HTTP_PROXY: 'http://a' })).toBeUndefined();
  expect(proxyOf({ ALL_PROXY: 'proxy:3128' })).toBe('http://proxy:3128/');
  expect(() => proxyOf({ HTTPS_PROXY: 'socks5://proxy:1080' })).toThrow('HTTPS_PROXY: is no address of an HTTP proxy');
  expect(() => proxyOf({ https_proxy: 'http://' })).toThrow('is no address');
});

test('a slow network is asked on as long as the signal allows, one where nobody is is not', () => {
  const slow = new TypeError('fetch failed', {
    cause: Object.assign(new Error(), { code: 'UND_ERR_CONNECT_TIMEOUT' }),
  });
  const nobody = new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) });
  expect([isTimeOut(slow), isTimeOut(nobody), isTimeOut('x')]).toEqual([true, false, false]);
  const { signal } = new AbortController();
  const pauses = [1, 5];
  expect([1, 2, 3, 100].map((vain) => pauseBeforeNext(slow, vain, { pauses, signal }))).toEqual([1, 5, 5, 5]);
  expect([1, 2, 3].map((vain) => pauseBeforeNext(nobody, vain, { pauses, signal }))).toEqual([1, 5, undefined]);
  expect(pauseBeforeNext(slow, 3, { pauses })).toBeUndefined();
});
