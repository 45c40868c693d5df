import { fileURLToPath } from 'node:url';
import { tensor } from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { makeTokens } from '@deepearth/testing';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../tools/chromium.mjs';
import { draw } from './graph.ts';

let script = '';
let imports: string[] = [];
beforeAll(async () => {
  const { metafile, outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./graph.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    // A script, not a module: the test runner rewrites import(), and a page without a server has no modules.
    format: 'iife',
    globalName: 'graph',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@deepearth/source'],
    external: ['node:*', 'sharp', 'onnxruntime-node', 'umap-js', 'ml-pca'],
    define: { 'import.meta.url': '"https://example.org/"' },
    logLevel: 'silent',
  });
  imports = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    .filter(({ external }) => external)
    .map(({ kind, path }) => `${kind} ${path}`);
  script = outputFiles[0]!.text;
});

const [grid] = makeTokens({ count: 1, time: 3, height: 6, width: 5, channels: 24 });
/** Some tokens are masked, so that opacity is compared, too. */
const masked = { ...grid!, valid: Uint8Array.from({ length: 90 }, (_, token) => (token % 7 ? 255 : 0)) };
const { tensors, metadata } = describeTokenFile(masked);

test('the bundle of the graph imports nothing of Node and nothing native', () => {
  expect(imports).toEqual([]);
});

test.skipIf(!chromiumPath)(`a page draws the pixels that Node draws on a canvas${withoutChromium}`, async () => {
  const bytes = await encodeSafetensors(tensors, metadata);
  const expected = await draw(bytes);
  expect(expected).toHaveLength(3);
  expect(new Set(expected[0]!.pixels.data).size).toBeGreaterThan(20);
  const browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: script });
    const seen = await page.evaluate(async (values) => {
      const { graph } = globalThis as unknown as { graph: { draw: typeof draw } };
      const pictures = await graph.draw(Uint8Array.from(values));
      return pictures.map(({ pixels: { shape, data } }) => {
        const [height, width] = shape as [number, number];
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d')!;
        context.putImageData(new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0);
        return { height, width, data: Array.from(context.getImageData(0, 0, width, height).data) };
      });
    }, Array.from(bytes));
    expect(seen.map(({ height, width, data }) => tensor('uint8', [height, width, 4], Uint8Array.from(data)))).toEqual(
      expected.map(({ pixels }) => pixels),
    );
  } finally {
    await browser.close();
  }
});
