import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definePipeline, use } from '@deepearth/core/pipeline';
import { dinov3 } from '@deepearth/model-dinov3/dinov3';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { run } from '@deepearth/runtime/run';
import { explorer } from '@deepearth/sinks/explorer';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { exploreCommand } from '../commands/explore.ts';
import { exitCodes } from '../exit-codes.ts';
import { openPage, pagePath, screenshot, seriousFindings } from '../testing/explorer-page.ts';
import { exploredRun } from '../testing/explored-run.ts';
import { serve, type Serving } from './serve.ts';

let root = '';
let browser: Browser;
let serving: Serving;

describe.skipIf(!chromiumPath)(`two runs side by side${withoutChromium}`, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'beside-'));
    await exploredRun(join(root, 'a'), { bundle: true });
    // The sequence north alone, its first 12 frames, in clips of 4, on a grid of 12 x 12.
    const pipeline = definePipeline(
      [
        use(synthetic, { count: 12, width: 192, height: 128, seed: 3, sequence: 'north' }, { id: 'north' }),
        use(sliding, { size: 4 }, {}),
        use(vjepa2, { cropSize: 192 }, { id: 'tokens' }),
        use(explorer, {}, { from: 'tokens' }),
      ],
      { name: 'finer run' },
    );
    await run(pipeline, { output: join(root, 'b') }).end;
    serving = await serve({ page: pagePath, bundle: join(root, 'a/looks'), beside: join(root, 'b/explorer'), port: 0 });
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await rm(root, { recursive: true, force: true });
  });

  async function opened(
    hash = '',
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<AsyncDisposable & { view: Page; wrong: string[] }> {
    const there = await openPage(
      browser,
      serving.url + hash,
      { viewport: { width: 1400, height: 900 }, ...options },
      [],
    );
    await there.view.getByRole('slider', { name: 'Time in the second run' }).waitFor();
    return there;
  }
  const text = (view: Page, name: string) =>
    view.getByRole('slider', { name, exact: true }).getAttribute('aria-valuetext');

  test('a pick in one is made in both, at the same place of the same frame, and what is found is compared', async () => {
    await using there = await opened('#p=0.1.2.5');
    const { view, wrong } = there;
    await view.getByText('Of 32 frames of the first run the second has 12.').waitFor();
    const found = view.locator('.agreement dd');
    await expect.poll(() => found.count(), { timeout: 10_000 }).toBe(2);
    const [map, curve] = (await found.allTextContents()).map(Number) as [number, number];
    // Both see the same pictures by the same filters.
    expect(map).toBeGreaterThan(0.3);
    expect(curve).toBeGreaterThan(-1.01);
    expect(await view.locator('.pick').count()).toBe(2);
    // Of a pick in the second run, the first has it too.
    await view.getByRole('slider', { name: 'Time in the second run' }).focus();
    const stage = view.getByRole('application').nth(1);
    const { x, y, width, height } = (await stage.boundingBox())!;
    await view.mouse.click(x + width / 2, y + height / 2);
    await expect.poll(() => view.url()).toMatch(/p=0\.\d\.4\.4|p=0\.\d\.[34]\.[34]/);
    await screenshot(view, 'beside');
    expect(wrong).toEqual([]);
  });

  test('runs of two encoders, V-JEPA 2 and DINOv3, are compared by the same pick', async () => {
    const model = fileURLToPath(new URL('../../../model-dinov3/fixtures/v3', import.meta.url));
    const pipeline = definePipeline(
      [
        use(synthetic, { count: 16, width: 192, height: 128, seed: 3, sequence: 'north' }, { id: 'north' }),
        use(sliding, { size: 8 }, {}),
        use(dinov3, { model, fit: 'resize' }, { id: 'tokens' }),
        use(explorer, {}, { from: 'tokens' }),
      ],
      { name: 'frame by frame' },
    );
    await run(pipeline, { output: join(root, 'dino') }).end;
    const both = await serve({
      page: pagePath,
      bundle: join(root, 'a/looks'),
      beside: join(root, 'dino/explorer'),
      port: 0,
    });
    try {
      await using there = await openPage(
        browser,
        `${both.url}#p=0.1.2.5`,
        { viewport: { width: 1400, height: 900 } },
        [],
      );
      const { view, wrong } = there;
      const found = view.locator('.agreement dd');
      await expect.poll(() => found.count(), { timeout: 10_000 }).toBe(2);
      for (const text of await found.allTextContents()) expect(Math.abs(Number(text))).toBeLessThanOrEqual(1);
      expect(await view.locator('.pick').count()).toBe(2);
      await screenshot(view, 'beside-encoders');
      expect(wrong).toEqual([]);
    } finally {
      await both.close();
    }
  });

  test('both are at the same frame, as far as both have it', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    for (let i = 0; i < 5; i++) await view.keyboard.press('ArrowRight');
    await expect.poll(() => text(view, 'Time in the second run')).toMatch(/^frame 5,.*clip 2, step/);
    expect(await text(view, 'Time')).toMatch(/^frame 5,.*clip 1, step/);
    await view.keyboard.press('End');
    await view.getByText('It does not have frame 15.').waitFor();
    await view.getByLabel('Sequence').selectOption('south');
    await view.getByText('It does not have frame 0.').waitFor();
    expect(wrong).toEqual([]);
  });

  test('axe finds nothing serious, on a phone either', async () => {
    for (const [width, height] of [
      [1400, 900],
      [390, 844],
    ] as const) {
      await using there = await opened('#p=0.1.2.5', { viewport: { width, height }, bypassCSP: true });
      const { view } = there;
      await expect.poll(() => view.locator('.agreement dd').count(), { timeout: 10_000 }).toBe(2);
      await screenshot(view, `beside-${width}`, true);
      expect(await seriousFindings(view)).toEqual([]);
      expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    }
  });

  test('both go into an exported folder; three are refused', async () => {
    const [a, b] = [join(root, 'a'), join(root, 'b')];
    const site = join(root, 'site');
    expect(await exploreCommand([a, b], { export: site })).toBe(exitCodes.done);
    expect(await readFile(join(site, 'index.html'), 'utf8')).toContain('<meta name="beside" content="beside/" />');
    const named = async (folder: string) =>
      (JSON.parse(await readFile(join(site, folder, 'index.json'), 'utf8')) as { name: string }).name;
    expect([await named('data'), await named('beside')]).toEqual(['small run', 'finer run']);
    await expect(exploreCommand([a, b, a], {})).rejects.toThrow('3 runs were named, and a page shows one or two');
  });
});
