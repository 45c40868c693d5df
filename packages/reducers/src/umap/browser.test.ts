import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { seededRandom } from '../shared/seeded.ts';
import { umap, type UmapOptions } from './umap.ts';

const { buildWeb } = (await import(new URL('../../web/build.mjs', import.meta.url).href)) as {
  buildWeb(outdir: string): Promise<string[]>;
};

const channels = 24;
const count = 700;
const random = seededRandom(8);
const tokens = Float32Array.from(
  { length: count * channels },
  (_, at) => random() + (at % 5 === Math.floor(at / channels) % 5 ? 2 : 0),
);

// The test runner rewrites import(); the page does it itself.
const html = `<!doctype html><title>umap</title><script type="module">import { umap } from '/umap.js'; globalThis.umap = umap;</script>`;
type Page = typeof globalThis & { umap: typeof umap };

let folder = '';
let imports: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'umap-web-'));
  imports = await buildWeb(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('bundles for a browser without an import of anything', () => {
  expect(imports).toEqual([]);
});

describe.skipIf(!chromiumPath)(`in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [path, query] = request.url!.split('?');
      const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
      const headers = {
        'Content-Type': path!.endsWith('.js') ? 'text/javascript' : 'text/html',
        ...(path!.endsWith('.js') || query === 'isolated' ? isolated : {}),
      };
      if (path === '/') return void response.writeHead(200, headers).end(html);
      readFile(join(folder, path!.slice(1))).then(
        (bytes) => response.writeHead(200, headers).end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['on a page that is cross-origin isolated, in two threads', 'isolated', { threads: 2 }],
    ['on any page, in one worker', 'plain', {}],
    ['on any page, without a worker', 'plain', { workers: false }],
  ] as const)('gives the bytes that Node gives, %s', async (_, query, more) => {
    const options: UmapOptions = { channels, epochs: 60, maxFitTokens: 650, sampleTokens: 600, ...more };
    const { embedding } = await umap(tokens, { ...options, products: 'wasm' });
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?${query}`);
      const answer = await page.evaluate(
        async ({ values, options }) => {
          const { umap } = globalThis as Page;
          let progress = 0;
          let [worst, last] = [0, performance.now()];
          const timer = setInterval(() => {
            worst = Math.max(worst, performance.now() - last);
            last = performance.now();
          }, 1);
          const { embedding, model } = await umap(Float32Array.from(values), {
            ...options,
            progress: () => void progress++,
          });
          clearInterval(timer);
          const placed = await model.transform(Float32Array.from(values.slice(0, options.channels * 3)));
          const state = model.state();
          await model.close();
          return {
            embedding: Array.from(embedding),
            placed: Array.from(placed),
            threads: model.facts.threads,
            isolated: crossOriginIsolated,
            progress,
            worst,
            rows: state.tensors['tokens']!.shape[0],
          };
        },
        { values: Array.from(tokens), options },
      );
      expect(answer.isolated).toBe(query === 'isolated');
      expect(answer.threads).toBe(query === 'isolated' ? 2 : 1);
      expect(answer.progress).toBeGreaterThan(0);
      expect(answer.rows).toBe(600);
      expect(Float32Array.from(answer.embedding)).toEqual(embedding);
    } finally {
      await page.close();
    }
  });

  it('says which token holds NaN, and stops when told to, on any page', async () => {
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const answer = await page.evaluate(async (values) => {
        const { umap } = globalThis as Page;
        const broken = Float32Array.from(values);
        broken[24 * 11] = NaN;
        const failure = await umap(broken, { channels: 24 }).then(
          () => '',
          (error: Error) => error.message,
        );
        const controller = new AbortController();
        setTimeout(() => controller.abort(new Error('enough')), 200);
        const begun = performance.now();
        const stopped = await umap(Float32Array.from(values), {
          channels: 24,
          epochs: 200_000,
          signal: controller.signal,
        }).then(
          () => '',
          (error: Error) => error.message,
        );
        return { failure, stopped, milliseconds: performance.now() - begun };
      }, Array.from(tokens));
      expect(answer.failure).toContain('token 11 holds NaN or infinity');
      expect(answer.stopped).toBe('enough');
    } finally {
      await page.close();
    }
  });
});
