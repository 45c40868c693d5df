// The package of a run: the same bytes wherever it is made, and a page that works from a folder.

import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bytesSource } from '@deepearth/formats/bytes';
import { openZip } from '@deepearth/formats/zip';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../tools/chromium.mjs';
import { deepearth } from './testing/spawn.ts';

const minutes = 300_000;
const root = await mkdtemp(join(tmpdir(), 'deepearth-package-'));
afterAll(() => rm(root, { recursive: true, force: true }));
const found = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const unzip = found('unzip', '-v');
const python = found('python3', '-c', 'import zipfile');

const names: string[] = [];
beforeAll(async () => {
  await writeFile(
    join(root, 'pipeline.yaml'),
    `name: weather & "more"
stages:
  - { id: frames, type: source/synthetic, with: { count: 16, width: 192, height: 160 } }
  - type: windower/sliding
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64 } }
  - { id: features, type: sink/features, with: { format: pt } }
  - { id: pca, type: reducer/pca, from: tokens }
  - { id: overlay, type: renderer/overlay, from: pca }
  - { id: pictures, type: sink/pictures, from: overlay, with: { directory: 'pictures #1' } }
  - { id: gif, type: sink/gif, from: overlay }
  - { id: webp, type: sink/webp, from: overlay }
  - { id: mp4, type: sink/mp4, from: overlay }
  - { type: sink/package, from: [features, pictures, gif, webp, mp4] }
`,
  );
  for (const machine of ['one', 'two']) {
    // Caches at different places, as on different machines.
    const outcome = await deepearth(['run', 'pipeline.yaml', '--output', machine], {
      cwd: root,
      env: { DEEPEARTH_CACHE: join(root, `cache of ${machine}`) },
    });
    expect(outcome.status).toBe(0);
  }
  const zip = await openZip(bytesSource(new Uint8Array(await readFile(join(root, 'one/package.zip')))));
  for (const [name, entry] of zip.entries) {
    names.push(name);
    await mkdir(dirname(join(root, 'unzipped', name)), { recursive: true });
    await writeFile(join(root, 'unzipped', name), await entry.read());
  }
}, minutes);

test('is the same bytes with caches at different places, and says where in a cache the weights were', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map((machine) => readFile(join(root, machine, 'package.zip'))));
  expect(two!.equals(one!)).toBe(true);
  const { inputs } = JSON.parse(await readFile(join(root, 'unzipped/manifest.json'), 'utf8')) as {
    inputs: { path: string }[];
  };
  expect(inputs.map(({ path }) => path)).toEqual([
    expect.stringMatching(/^\$DEEPEARTH_CACHE\/builtin\/\w+\/config\.json$/),
    expect.stringMatching(/^\$DEEPEARTH_CACHE\/builtin\/\w+\/model\.safetensors$/),
  ]);
});

test('holds texts, the page, the files in the order of their names, and small pictures', () => {
  expect(names.slice(0, 4)).toEqual(['README.txt', 'contents.json', 'manifest.json', 'index.html']);
  const small = names.filter((name) => name.startsWith('thumbnails/'));
  const files = names.slice(4, -small.length);
  expect(files).toEqual([...files].sort());
  expect(small).toEqual(files.filter((name) => name.startsWith('pictures')).map((name) => `thumbnails/${name}.jpg`));
});

test.skipIf(!unzip)(`opens in unzip${unzip ? '' : ' (skipped: there is none)'}`, () => {
  expect(spawnSync('unzip', ['-tq', join(root, 'one/package.zip')], { encoding: 'utf8' }).stdout).toContain(
    'No errors',
  );
});

test.skipIf(!python)(`opens in Python${python ? '' : ' (skipped: there is none)'}`, () => {
  const script = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), len(z.namelist()))';
  const { stdout } = spawnSync('python3', ['-c', script, join(root, 'one/package.zip')], { encoding: 'utf8' });
  expect(stdout.trim()).toBe(`None ${names.length}`);
});

test.skipIf(!chromiumPath)(
  `shows every picture and plays every video from a folder${withoutChromium as string}`,
  { timeout: minutes },
  async () => {
    const browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
      page.on('pageerror', (error) => void problems.push(error.message));
      await page.goto(pathToFileURL(join(root, 'unzipped/index.html')).href);
      await page.evaluate(() => {
        for (const video of document.querySelectorAll('video')) video.preload = 'auto';
      });
      await page.waitForFunction(() => [...document.querySelectorAll('video')].every((video) => video.readyState >= 2));
      const shown = await page.evaluate(async () => {
        const images = [...document.images];
        for (const image of images) image.loading = 'eager';
        await Promise.all(images.map((image) => image.decode()));
        const videos = [...document.querySelectorAll('video')];
        const links = [...document.links].map((each) => each.href);
        return {
          title: document.title,
          heading: document.querySelector('h1')!.textContent,
          sections: [...document.querySelectorAll('h2')].map((each) => each.textContent),
          captions: [...document.querySelectorAll('figcaption')].map((each) => each.textContent),
          images: images.map((image) => image.naturalWidth),
          videos: videos.map((video) => [video.videoWidth, video.videoHeight]),
          links,
        };
      });
      expect(shown.title).toBe('weather & "more"');
      expect(shown.heading).toBe(shown.title);
      expect(shown.sections).toEqual(['Videos', 'Animations', 'pca-overlay, synthetic', 'Files']);
      expect(shown.images).toEqual(Array.from({ length: 2 + 16 }, () => 192));
      expect(shown.videos).toEqual([[192, 160]]);
      expect(shown.captions).toHaveLength(1 + 2 + 16);
      expect(shown.captions.at(-1)).toBe('frame 15');
      // Every link leads to a file of the package.
      for (const link of shown.links) {
        const path = decodeURIComponent(link.slice(pathToFileURL(join(root, 'unzipped/')).href.length));
        expect(names).toContain(path);
      }
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);
