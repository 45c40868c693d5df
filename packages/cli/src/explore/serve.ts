// Serves the page and one bundle to this machine alone.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DeepEarthError } from '@deepearth/core/errors';
import type { RunSeen } from '@deepearth/runtime/run-overview';
import { besideHtml } from './beside-html.ts';

/** A server that runs. */
export interface Serving {
  /** Ends in the token and a slash: whoever has it may look. */
  readonly url: string;
  close(): Promise<void>;
}

/** A bundle of a run that goes, and its number: clips that come make another. */
export interface ServedBundle {
  readonly folder: string;
  readonly version: number;
}

/** What is served, and where. */
export interface ServeOptions {
  /** The folder of the built page. */
  readonly page: string;
  /** The folder with `index.json`; a function where it changes while it is served. */
  readonly bundle: string | (() => ServedBundle | undefined);
  /** That of a second run, which is shown beside it. */
  readonly beside?: string | undefined;
  /** How far the run is; where it is absent, what the bundle says of it. */
  readonly run?: () => Promise<RunSeen | undefined>;
  /** 0 for any that is free. */
  readonly port: number;
  /** Secret of this server; random unless told. */
  readonly token?: string;
}

const address = '127.0.0.1';

/** All that a bundle can have; a name of another form is never looked for. */
const bundleFile =
  /^(?:index\.json|run\.json|directions\.bin|tokens\/\d{5,9}\.bin|layers\/\d{1,4}\/\d{5,9}\.bin|frames\/\d{1,9}\/\d{5,9}\.jpg)$/;

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.bin': 'application/octet-stream',
};

/** The page brings all it needs; nothing leads anywhere else, and nobody may frame it. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/**
 * The embedded encoder of films makes functions of texts, and carries its WebAssembly: its worker may, and reads
 * nothing else.
 */
const ownPolicies: Readonly<Record<string, string>> = {
  'movie-worker.js':
    "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; connect-src data:; worker-src 'none'",
};

/**
 * Starts to answer on the loopback address, to requests for this host (so that no name of somebody else's that leads
 * here is answered) whose path begins with the token. Throws where the port is taken.
 */
export async function serve({
  page,
  bundle,
  beside,
  run,
  port,
  token = randomBytes(18).toString('base64url'),
}: ServeOptions): Promise<Serving> {
  const pages = new Set(await readdir(page));
  const pageRoot = await realpath(page);
  const fixed = typeof bundle === 'string' ? await realpath(bundle) : undefined;
  const besideRoot = beside === undefined ? undefined : await realpath(beside);
  /** Folders of bundles by number: a page keeps to the one it began with, as long as it is there. */
  const versions = new Map<string, string>();
  const served = (): ServedBundle | undefined => (typeof bundle === 'string' ? undefined : bundle());

  /** The file that a path names; `undefined` for anything that is not served. */
  const fileOf = async (path: string): Promise<string | undefined> => {
    const second = /^beside\/(.*)$/s.exec(path)?.[1];
    const [, version, first] = /^data\/(?:(\d{1,9})\/)?(.*)$/s.exec(path) ?? [];
    const data = second ?? first;
    const name = data ?? (path === '' ? 'index.html' : path);
    if (data === undefined ? !pages.has(name) : !bundleFile.test(name)) return undefined;
    const ofFirst = version === undefined ? fixed : versions.get(version);
    const root = data === undefined ? pageRoot : second === undefined ? ofFirst : besideRoot;
    if (root === undefined) return undefined;
    // A link may lead out of the folder.
    const real = await realpath(join(root, name)).catch(() => undefined);
    return real?.startsWith(root + sep) ? real : undefined;
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refuse = (status: number, text: string, more: Record<string, string> = {}): void => {
      response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8', ...more });
      response.end(request.method === 'HEAD' || status === 204 ? undefined : `${text}\n`);
    };
    const { port: own } = server.address() as AddressInfo;
    if (![`${address}:${own}`, `localhost:${own}`].includes(request.headers.host ?? ''))
      return refuse(421, 'This server answers to its own address alone.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Read only.', { Allow: 'GET, HEAD' });
    const [, given = '', path] = /^\/([^/?#]*)(?:\/([^?#]*))?/.exec(request.url ?? '') ?? [];
    if (!same(given, token)) return refuse(403, 'Open the address that deepearth explore has printed.');
    if (path === undefined) return refuse(308, 'Moved.', { Location: `/${token}/` });
    if (path === 'data/run.json' && run) {
      const seen = await run();
      if (seen) return sendText(JSON.stringify(seen), '.json', request, response);
    }
    if (path === 'data/index.json' && fixed === undefined) {
      const now = served();
      // Nothing to see yet is no mistake.
      if (!now) return refuse(204, '');
      versions.set(String(now.version), await realpath(now.folder));
      return refuse(302, 'Moved.', {
        Location: `/${token}/data/${now.version}/index.json`,
        'Cache-Control': 'no-store',
      });
    }
    const file = await fileOf(path);
    if (file === undefined) return refuse(404, 'There is no such file.');
    if (besideRoot !== undefined && basename(file) === 'index.html')
      return sendText(await besideHtml(file), '.html', request, response);
    await send(file, request, response);
  };

  await listening(server, port);
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://${address}:${own}/${token}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A small file that is made when it is asked for. */
function sendText(
  text: string,
  ending: '.html' | '.json',
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  const bytes = Buffer.from(text);
  response.writeHead(200, {
    ...headers,
    'Content-Type': mediaTypes[ending]!,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.end(method === 'HEAD' ? undefined : bytes);
}

async function send(file: string, { method }: IncomingMessage, response: ServerResponse): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const found = await handle.stat();
    const ending = extname(file);
    response.writeHead(200, {
      ...headers,
      ...(ownPolicies[basename(file)] && { 'Content-Security-Policy': ownPolicies[basename(file)] }),
      'Content-Type': mediaTypes[ending] ?? 'application/octet-stream',
      'Content-Length': found.size,
      // A browser keeps pictures; tokens are in the page's memory, and would be on disk a second time.
      'Cache-Control': ending === '.jpg' ? 'private, max-age=86400, immutable' : 'no-store',
    });
    if (method === 'HEAD') response.end();
    else await pipeline(handle.createReadStream({ autoClose: false, end: Math.max(0, found.size - 1) }), response);
  } finally {
    await handle.close();
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE' || cause.code === 'EACCES'
          ? new DeepEarthError(
              `--port: ${port} ${cause.code === 'EACCES' ? 'may not be used by you' : 'is taken by another program'}.`,
              { code: 'E_PORT', remedy: 'Name another, or leave it out for any that is free.', cause },
            )
          : cause,
      ),
    );
    server.listen(port, address, resolve);
  });
}

/** In the same time for all that is wrong. */
function same(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
