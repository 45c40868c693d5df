import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { openPage, pagePath, screenshot, seriousFindings } from '../testing/explorer-page.ts';
import { placed, placedRun } from '../testing/placed-run.ts';
import { makeBundle } from './make-bundle.ts';
import { serve, type Serving } from './serve.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'map-'));
  await placedRun(join(root, 'run'));
  await makeBundle(join(root, 'made'), {
    name: 'places',
    tokens: join(root, 'run/features'),
    projections: new Map(),
    signal: new AbortController().signal,
    progress: () => undefined,
    warn: () => undefined,
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a bundle of files of tokens says where its clips lie, each place once', async () => {
  const index = JSON.parse(await readFile(join(root, 'made/explorer/index.json'), 'utf8')) as BundleIndex;
  expect(index.places!.systems).toEqual(['EPSG:32633']);
  expect(index.places!.all).toHaveLength(5);
  expect(index.places!.all[0]).toEqual(placed.camera);
  expect(index.clips.map(({ place }) => place)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
});

describe.skipIf(!chromiumPath)(`the map in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  let serving: Serving;
  beforeAll(async () => {
    serving = await serve({ page: pagePath, bundle: join(root, 'made/explorer'), port: 0 });
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
  });

  const map = (view: Page) => view.getByRole('application', { name: /^Map/ });
  const opened = async (hash: string, options = {}) => {
    const there = await openPage(browser, `${serving.url}#view=map${hash}`, options);
    await map(there.view).waitFor();
    await there.view.getByText('5 places').waitFor();
    return there;
  };
  /** A point within the tile in the lower right, as shares of the map's width and height. */
  const within = [0.665, 0.75] as const;
  const pointOf = async (view: Page, [x, y]: readonly [number, number]): Promise<readonly [number, number]> => {
    const bounds = (await map(view).boundingBox())!;
    return [bounds.x + x * bounds.width, bounds.y + y * bounds.height];
  };
  /** A digest of the map's pixels, and the share of them that are neither land nor lines. */
  const pixels = (view: Page): Promise<{ sum: number; colored: number }> =>
    map(view).evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let [sum, colored] = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        sum = (sum * 31 + data[i]! * 7 + data[i + 1]! * 5 + data[i + 2]!) % 1_000_003;
        if (Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!) > 24)
          colored++;
      }
      return { sum, colored: colored / (data.length / 4) };
    });
  const changed = async (view: Page, before: number): Promise<number> => {
    await expect.poll(async () => (await pixels(view)).sum, { timeout: 10_000 }).not.toBe(before);
    return (await pixels(view)).sum;
  };
  const sequence = (view: Page) => view.getByLabel('Sequence').locator('option:checked').textContent();

  test('shows pictures where they belong; a click goes to the clip, another picks a token of it', async () => {
    await using there = await opened('');
    const { view, wrong } = there;
    // A quarter of the map is the scene.
    await expect.poll(async () => (await pixels(view)).colored, { timeout: 10_000 }).toBeGreaterThan(0.15);
    await screenshot(view, 'map');
    await view.mouse.move(...(await pointOf(view, within)));
    await view.getByText(/^47\.6\d+° N, 12\.\d+° E · tile-11$/).waitFor();
    expect(await sequence(view)).toBe('camera');
    await view.mouse.click(...(await pointOf(view, within)));
    await expect.poll(() => sequence(view)).toBe('tile-11');
    expect(await view.locator('.places [aria-current]').textContent()).toContain('tile-11');
    expect(await view.locator('.pick').count()).toBe(0);
    let before = (await pixels(view)).sum;
    await view.mouse.click(...(await pointOf(view, within)));
    await view.locator('.matches button').first().waitFor();
    before = await changed(view, before);
    await screenshot(view, 'map-similarity');
    await expect.poll(() => view.url()).toMatch(/s=4&.*p=8\.0\.\d\.\d&.*view=map/);
    // What the colours of places stand for: from how like all tokens are to the likest, which is the pick.
    await view.getByRole('img', { name: /^Colours from -?\d\.\d\d to 1\.00$/ }).waitFor();
    // Time goes on everywhere on the map.
    await view.getByRole('button', { name: 'Frame after' }).click();
    await changed(view, before);
    expect(wrong).toEqual([]);
  });

  test('is moved, zoomed and left by wheel, buttons and keys, and the frame stays', async () => {
    await using there = await opened('');
    const { view, wrong } = there;
    await expect.poll(async () => (await pixels(view)).colored, { timeout: 10_000 }).toBeGreaterThan(0.15);
    const bar = () => view.locator('.scale-bar').textContent();
    expect(await bar()).toBe('2 km');
    let before = (await pixels(view)).sum;
    const [x, y] = await pointOf(view, within);
    await view.mouse.move(x, y);
    await view.mouse.wheel(0, -600);
    before = await changed(view, before);
    await view.getByText(/ · tile-11$/).waitFor();
    await view.mouse.down();
    await view.mouse.move(x - 60, y - 30, { steps: 3 });
    await view.mouse.up();
    before = await changed(view, before);
    expect(await sequence(view)).toBe('camera');
    await map(view).focus();
    for (const key of ['ArrowRight', 'ArrowUp', '+', '-', '-']) {
      await view.keyboard.press(key);
      before = await changed(view, before);
    }
    await view.getByRole('button', { name: 'Zoom out' }).click();
    await view.getByRole('button', { name: 'Zoom in' }).click();
    await map(view).focus();
    for (let i = 0; i < 24; i++) await view.keyboard.press('-');
    await expect.poll(bar).toMatch(/^[1-5]000 km$/);
    await screenshot(view, 'map-world');
    await view.keyboard.press('0');
    await expect.poll(bar).toBe('2 km');
    expect(await view.getByRole('slider', { name: 'Time' }).getAttribute('aria-valuenow')).toBe('0');
    await view.getByRole('button', { name: /^tile-00/ }).focus();
    await view.keyboard.press('Enter');
    await expect.poll(() => sequence(view)).toBe('tile-00');
    await map(view).focus();
    await view.keyboard.press('Enter');
    await view.getByRole('application', { name: /^Frame/ }).waitFor();
    expect(wrong).toEqual([]);
  });

  test.each([
    ['dark', 1280, 800],
    ['light', 390, 844],
  ] as const)('axe finds nothing serious: %s, %i x %i', async (colorScheme, width, height) => {
    const viewport = { width, height };
    await using there = await opened('', { colorScheme, viewport, reducedMotion: 'reduce', bypassCSP: true });
    const { view } = there;
    await expect.poll(async () => (await pixels(view)).colored, { timeout: 10_000 }).toBeGreaterThan(0.1);
    await screenshot(view, `map-${colorScheme}-${width}`);
    expect(await seriousFindings(view)).toEqual([]);
    expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });
});
