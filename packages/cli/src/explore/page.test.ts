import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBytes } from '@deepearth/eo/raster-bytes';
import { openNpy } from '@deepearth/formats/npy';
import { readTokenFile } from '@deepearth/formats/token-file';
import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { labelCommand } from '../commands/label.ts';
import { openPage, pagePath, screenshot, seriousFindings } from '../testing/explorer-page.ts';
import { exploredRun } from '../testing/explored-run.ts';
import { serve, type Serving } from './serve.ts';
import { makeBundle } from './make-bundle.ts';

let root = '';
let browser: Browser;
let serving: Serving;
let statics: Server;

describe.skipIf(!chromiumPath)(`the page in Chromium${withoutChromium}`, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'page-'));
    await exploredRun(join(root, 'run'));
    const tokens = join(root, 'run/features');
    const projections = new Map([['pca', [...(await projectionFiles())]]]);
    const options = { name: 'small run', tokens, projections, signal: new AbortController().signal };
    await makeBundle(join(root, 'made'), { ...options, progress: () => undefined, warn: () => undefined });
    serving = await serve({ page: pagePath, bundle: join(root, 'made/explorer'), port: 0 });
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    statics?.close();
    await rm(root, { recursive: true, force: true });
  });

  const projectionFiles = async (): Promise<string[]> => {
    const { outputs } = JSON.parse(await readFile(join(root, 'run/manifest.json'), 'utf8')) as {
      outputs: { path: string; about: { kind: string } }[];
    };
    return outputs.filter(({ about }) => about.kind === 'projection').map(({ path }) => join(root, 'run', path));
  };

  /** A page that is there, and what went wrong in it. */
  async function opened(
    url = serving.url,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<AsyncDisposable & { view: Page; wrong: string[] }> {
    const there = await openPage(browser, url, options);
    await there.view.getByRole('slider', { name: 'Time' }).waitFor();
    return there;
  }

  const stageOf = (view: Page) => view.getByRole('application', { name: /^Frame with tokens/ });
  const time = (view: Page) => view.getByRole('slider', { name: 'Time' });
  const matches = (view: Page) => view.locator('.matches button');

  /** A number that is another one where the pixels of a canvas are, and the one that it is once it is another. */
  function looks(canvas: Locator) {
    const sum = (): Promise<number> =>
      canvas.evaluate((element: HTMLCanvasElement) => {
        const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
        return data.reduce((all, value, i) => (all * 31 + value * (i % 7)) % 1_000_003, 7);
      });
    const others = async (before: number): Promise<number> => {
      await expect.poll(sum, { timeout: 10_000 }).not.toBe(before);
      return sum();
    };
    return { sum, others };
  }
  /** The middle of a cell of the 8 x 8 grid, on the page. */
  async function cell(view: Page, row: number, column: number): Promise<{ x: number; y: number }> {
    const index = JSON.parse(await readFile(join(root, 'made/explorer/index.json'), 'utf8')) as BundleIndex;
    const { geometry } = index.clips[0]!;
    const stage = (await stageOf(view).boundingBox())!;
    const scale = Math.min(stage.width / geometry.frameWidth, stage.height / geometry.frameHeight);
    const from = (edge: number, length: number, at: number): number => edge + ((at + 0.5) / 8) * length;
    return {
      x: stage.x + stage.width / 2 + (from(geometry.x, geometry.width, column) - geometry.frameWidth / 2) * scale,
      y: stage.y + stage.height / 2 + (from(geometry.y, geometry.height, row) - geometry.frameHeight / 2) * scale,
    };
  }
  async function click(view: Page, row: number, column: number, modifier?: 'Shift' | 'Alt'): Promise<void> {
    const { x, y } = await cell(view, row, column);
    if (modifier) await view.keyboard.down(modifier);
    await view.mouse.click(x, y);
    if (modifier) await view.keyboard.up(modifier);
  }
  /** Share of the pixels of the stage that are neither black nor see-through, and a digest of all. */
  const pixels = (view: Page): Promise<{ drawn: number; sum: number }> =>
    stageOf(view).evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let [drawn, sum] = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i]! + data[i + 1]! + data[i + 2]! > 60 && data[i + 3]! > 0) drawn++;
        sum = (sum * 31 + data[i]! * 7 + data[i + 1]! * 5 + data[i + 2]!) % 1_000_003;
      }
      return { drawn: drawn / (data.length / 4), sum };
    });
  const changed = async (view: Page, before: number): Promise<number> => {
    await expect.poll(async () => (await pixels(view)).sum, { timeout: 10_000 }).not.toBe(before);
    return (await pixels(view)).sum;
  };

  test('shows the first frame with its colours, in either scheme, and asks nobody else for anything', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await using there = await opened(serving.url, { colorScheme });
      const { view, wrong } = there;
      await expect.poll(async () => (await pixels(view)).drawn, { timeout: 10_000 }).toBeGreaterThan(0.3);
      expect(await view.title()).toBe('small run · DeepEarth explorer');
      expect(await view.getByRole('heading', { level: 1 }).textContent()).toBe('small run');
      expect(await view.locator('header').textContent()).toContain('4 clips1,024 tokens');
      await screenshot(view, `first-${colorScheme}`);
      expect(wrong).toEqual([]);
    }
  });

  test('a picked token is found over all clips and sequences; its cosines are those of the encoder', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await click(view, 2, 3);
    await matches(view).first().waitFor();
    expect(await matches(view).count()).toBeGreaterThanOrEqual(4);
    const where = await view.locator('.matches .where').allTextContents();
    expect(where.some((text) => text.startsWith('south'))).toBe(true);
    const scores = (await view.locator('.matches .score').allTextContents()).map(Number);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(await view.getByRole('status').textContent()).toMatch(/^1,024 tokens in \d+ ms$/);
    await screenshot(view, 'picked');

    const source = await openBytes(join(root, 'run/features/north/features_frames_0000_0007.safetensors'));
    const { values } = await readTokenFile(source);
    await source.close();
    const channels = values.shape[3]!;
    const row = (token: number) => values.data.subarray(token * channels, (token + 1) * channels) as Float32Array;
    const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const picked = row(2 * 8 + 3);
    for (const [r, c] of [
      [2, 3],
      [6, 1],
      [0, 7],
      [5, 5],
    ] as const) {
      const { x, y } = await cell(view, r, c);
      await view.mouse.move(x, y);
      const status = view.locator('.stage-status');
      await expect.poll(() => status.textContent()).toContain(`row ${r}, column ${c} · `);
      const other = row(r * 8 + c);
      const exact = dot(picked, other) / Math.sqrt(dot(picked, picked) * dot(other, other));
      expect(Math.abs(Number((await status.textContent())!.split('· ')[1]) - exact)).toBeLessThan(0.02);
    }
    expect(wrong).toEqual([]);
  });

  test('while nothing is picked, the token under the pointer is looked for', async () => {
    await using there = await opened(`${serving.url}#layer=similarity`);
    const { view, wrong } = there;
    await expect.poll(async () => (await pixels(view)).drawn, { timeout: 10_000 }).toBeGreaterThan(0.3);
    let before = (await pixels(view)).sum;
    // What the code leaves out of a token lowers its cosine with itself a little.
    for (const [row, column] of [
      [1, 1],
      [6, 6],
    ] as const) {
      const { x, y } = await cell(view, row, column);
      await view.mouse.move(x, y);
      await expect
        .poll(() => view.locator('.stage-status').textContent())
        .toMatch(new RegExp(`^row ${row}, column ${column} · (0\\.99\\d|1\\.000)$`));
      before = await changed(view, before);
    }
    expect(await view.locator('.pick').count()).toBe(0);
    expect(wrong).toEqual([]);
  });

  test('several picks, others that are not wanted, and a region stand in the address and survive it', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await click(view, 2, 3);
    await matches(view).first().waitFor();
    const alone = await view.locator('.matches .score').allTextContents();
    await click(view, 6, 6, 'Shift');
    await click(view, 0, 0, 'Alt');
    const [from, to] = [await cell(view, 4, 1), await cell(view, 5, 3)];
    await view.mouse.move(from.x, from.y);
    await view.keyboard.down('Shift');
    await view.mouse.down();
    await view.mouse.move(to.x, to.y, { steps: 3 });
    await view.mouse.up();
    await view.keyboard.up('Shift');
    await expect.poll(() => view.locator('.pick').count()).toBe(4);
    await expect.poll(() => view.locator('.matches .score').allTextContents()).not.toEqual(alone);
    await expect.poll(() => view.url()).toContain('p=0.0.2.3,0.0.6.6,0.0.4.1.5.3&n=0.0.0.0&layer=similarity');
    const all = await view.locator('.matches .score').allTextContents();
    await screenshot(view, 'several');
    await using again = await opened(view.url());
    await matches(again.view).first().waitFor();
    await expect.poll(() => again.view.locator('.matches .score').allTextContents()).toEqual(all);
    await again.view.getByRole('button', { name: 'Forget unlike frame 0' }).click();
    await expect.poll(() => again.view.locator('.pick').count()).toBe(3);
    await again.view.keyboard.press('Escape');
    expect(await again.view.locator('.pick').count()).toBe(0);
    expect([...wrong, ...again.wrong]).toEqual([]);
  });

  test('another address in the same tab is followed', async () => {
    await using there = await opened();
    const { view } = there;
    // At once, while the page is about to write what it shows, and later, when it has.
    for (const [sequence, frame] of [
      [1, 5],
      [0, 7],
      [1, 2],
    ]) {
      await view.keyboard.press('ArrowRight');
      await view.waitForTimeout(sequence === 0 ? 400 : 240);
      await view.evaluate((hash) => (location.hash = hash), `#s=${sequence}&f=${frame}&layer=change`);
      await view.getByText(`Frame ${frame}`, { exact: true }).waitFor();
      expect(await view.getByLabel('Sequence').inputValue()).toBe(String(sequence));
      expect(await view.getByRole('radio', { name: 'Change' }).isChecked()).toBe(true);
      await view.waitForTimeout(300);
      expect(await view.evaluate(() => location.hash)).toContain(`f=${frame}`);
    }
  });

  test('a match leads to its sequence and frame', async () => {
    await using there = await opened();
    const { view } = there;
    await click(view, 2, 3);
    const south = matches(view).filter({ hasText: 'south' }).first();
    await south.waitFor();
    const frame = /frame (\d+)/.exec((await south.textContent())!)![1];
    await south.click();
    await expect.poll(() => view.locator('.place strong').textContent()).toBe(`Frame ${frame}`);
    expect(await view.getByLabel('Sequence').inputValue()).toBe('1');
  });

  test('keys and the time line move frame by frame, and it plays', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    const now = (): Promise<number> => time(view).getAttribute('aria-valuenow').then(Number);
    const press = async (key: string): Promise<number> => {
      await view.keyboard.press(key);
      return now();
    };
    expect(await press('ArrowRight')).toBe(1);
    expect(await press('Shift+ArrowRight')).toBe(2);
    expect(await press('PageDown')).toBe(8);
    expect(await press('Shift+ArrowLeft')).toBe(7);
    expect(await press('End')).toBe(15);
    expect(await press('ArrowRight')).toBe(15);
    expect(await press('Home')).toBe(0);
    const bounds = (await time(view).boundingBox())!;
    for (const frame of [3, 11, 6]) {
      await view.mouse.click(bounds.x + (bounds.width * (frame + 0.5)) / 16, bounds.y + 20);
      expect(await now()).toBe(frame);
      expect(await time(view).getAttribute('aria-valuetext')).toMatch(
        new RegExp(`^frame ${frame}, .* clip \\d, step \\d$`),
      );
    }
    await view.keyboard.press(' ');
    await expect.poll(now, { timeout: 5000 }).toBeGreaterThan(9);
    await view.keyboard.press(' ');
    const stopped = await now();
    await view.waitForTimeout(250);
    expect(await now()).toBe(stopped);
    expect(wrong).toEqual([]);
  });

  test('every layer looks different, and so do less of it and none', async () => {
    await using there = await opened(`${serving.url}#layer=none&map=nonsense`);
    const { view, wrong } = there;
    await expect.poll(async () => (await pixels(view)).drawn, { timeout: 10_000 }).toBeGreaterThan(0.3);
    let before = (await pixels(view)).sum;
    const seen = new Set([before]);
    for (const name of ['Change', 'Colours', 'Clusters']) {
      await view.getByRole('radio', { name, exact: true }).check();
      if (name === 'Clusters')
        await expect.poll(() => view.locator('.clusters li').count(), { timeout: 10_000 }).toBe(8);
      before = await changed(view, before);
      await screenshot(view, name);
      seen.add(before);
    }
    expect(seen.size).toBe(4);
    await view.getByRole('radio', { name: 'Change' }).check();
    expect(await view.getByLabel('Colours of numbers').inputValue()).toBe('inferno');
    before = await changed(view, before);
    await view.keyboard.press('[');
    before = await changed(view, before);
    await view.keyboard.press('6');
    await changed(view, before);
    await expect.poll(() => view.url()).toContain('layer=pca');
    expect(wrong).toEqual([]);
  });

  test('groups can be more or fewer, named, and shown alone', async () => {
    await using there = await opened(`${serving.url}#layer=clusters&k=3`);
    const { view, wrong } = there;
    await expect.poll(() => view.locator('.clusters li').count(), { timeout: 10_000 }).toBe(3);
    await view.getByLabel('3 groups').fill('5');
    await expect.poll(() => view.locator('.clusters li').count(), { timeout: 10_000 }).toBe(5);
    await view.waitForTimeout(200);
    await view.getByLabel('Name of group 1').fill('sea');
    const before = (await pixels(view)).sum;
    await view.getByRole('button', { name: 'Show group 1 alone' }).click();
    await changed(view, before);
    expect(await view.getByLabel('Name of group 1').inputValue()).toBe('sea');
    expect(wrong).toEqual([]);
  });

  test('points come nearer by button and wheel, are moved, and all of them come back', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await view.getByText('Scatter').click();
    const scatter = view.getByRole('img', { name: 'Tokens by their first two principal components' });
    await view.getByText('1,024 tokens. Draw').waitFor();
    await scatter.scrollIntoViewIfNeeded();
    const { sum, others } = looks(scatter);
    await expect.poll(() => scatter.evaluate((canvas) => canvas.clientWidth)).toBeGreaterThan(0);
    const all = await sum();
    await view.getByRole('button', { name: 'Nearer' }).click();
    const near = await others(all);
    const { x, y, width, height } = (await scatter.boundingBox())!;
    await view.mouse.move(x + width / 4, y + height / 4);
    await view.mouse.wheel(0, -300);
    const nearer = await others(near);
    await view.keyboard.down('Shift');
    await view.mouse.down();
    await view.mouse.move(x + width / 2, y + height / 2, { steps: 3 });
    await view.mouse.up();
    await view.keyboard.up('Shift');
    await others(nearer);
    await screenshot(view, 'scatter-near');
    await view.getByRole('button', { name: 'All', exact: true }).click();
    await expect.poll(sum, { timeout: 10_000 }).toBe(all);
    expect(wrong).toEqual([]);
  });

  test('points that a line is drawn around are lit in the video', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await view.getByText('Scatter').click();
    const scatter = view.getByRole('img', { name: 'Tokens by their first two principal components' });
    await view.getByText('1,024 tokens. Draw').waitFor();
    await scatter.scrollIntoViewIfNeeded();
    await view.getByLabel('Colour by').selectOption('sequence');
    const before = (await pixels(view)).sum;
    const { x, y, width, height } = (await scatter.boundingBox())!;
    await view.mouse.move(x + 5, y + 5);
    await view.mouse.down();
    for (const [across, down] of [
      [0.5, 0.02],
      [0.5, 0.98],
      [0.02, 0.98],
    ] as const)
      await view.mouse.move(x + across * width, y + down * height, { steps: 3 });
    await view.mouse.up();
    await changed(view, before);
    await screenshot(view, 'scatter');
    const lit = (await pixels(view)).sum;
    await view.getByRole('button', { name: 'take the line away' }).click();
    await changed(view, lit);
    expect(wrong).toEqual([]);
  });

  test('points are turned in space by drag and keys, by components or a layer of the run, and lit from there', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await view.getByText('Scatter').click();
    await view.getByText('1,024 tokens. Draw').waitFor();
    await view.getByLabel('Axes').selectOption({ index: 1 });
    await view.getByLabel('3-D').check();
    const scatter = view.getByRole('application', { name: /^Tokens by their first three .* coordinates/ });
    await scatter.scrollIntoViewIfNeeded();
    const { sum, others: turned } = looks(scatter);
    const still = await sum();
    await scatter.focus();
    const url = view.url();
    await view.keyboard.press('ArrowRight');
    const turnedOnce = await turned(still);
    const { x, y, width, height } = (await scatter.boundingBox())!;
    await view.mouse.move(x + width / 2, y + height / 2);
    await view.mouse.down();
    await view.mouse.move(x + width / 2 + 60, y + height / 2 + 20, { steps: 3 });
    await view.mouse.up();
    await turned(turnedOnce);
    expect(view.url()).toBe(url);
    const before = (await pixels(view)).sum;
    await view.getByRole('button', { name: 'Draw a line' }).click();
    await view.mouse.move(x + 5, y + 5);
    await view.mouse.down();
    for (const [across, down] of [
      [0.5, 0.02],
      [0.5, 0.98],
      [0.02, 0.98],
    ] as const)
      await view.mouse.move(x + across * width, y + down * height, { steps: 3 });
    await view.mouse.up();
    await changed(view, before);
    await screenshot(view, 'scatter-3d');
    expect(wrong).toEqual([]);
  });

  test('a few labels colour all tokens, ask for what is uncertain, and are saved and opened again', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await view.getByText('Labels').click();
    await view.getByLabel('Name of label 1').fill('sea');
    await view.getByRole('button', { name: 'Mark tokens as sea' }).click();
    await click(view, 0, 6);
    await view.getByRole('button', { name: 'Mark tokens as B' }).click();
    const before = (await pixels(view)).sum;
    await click(view, 4, 0);
    await changed(view, before);
    await view.getByRole('heading', { name: 'Uncertain' }).waitFor();
    const asked = view.locator('.answers');
    await expect.poll(() => asked.count()).toBe(6);
    await asked.first().getByRole('button', { name: 'It is sea' }).click();
    await expect.poll(() => view.locator('.labels .share').allTextContents()).toEqual(['2', '1']);
    await screenshot(view, 'labels');
    const [file] = await Promise.all([
      view.waitForEvent('download'),
      view.getByRole('button', { name: 'Save JSON' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('small-run_labels.json');
    const text = await readFile(await file.path(), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      labels: ['sea', 'B'],
      marks: [
        { label: 'sea', sequence: 'north', frame: 0, step: 0, row: 0, column: 6 },
        { label: 'B' },
        { label: 'sea' },
      ],
    });
    // The command gives this run the labels that the page shows.
    await view.getByText('Export', { exact: true }).click();
    const [mask] = await Promise.all([
      view.waitForEvent('download'),
      view.getByRole('button', { name: 'Mask' }).click(),
    ]);
    const { data, info } = await sharp(await readFile(await mask.path()))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const saved = join(root, 'labels.json');
    await writeFile(saved, text);
    await labelCommand(saved, [join(root, 'made')], { output: join(root, 'coded') });
    await labelCommand(saved, [join(root, 'run')], { output: join(root, 'exact') });
    const given = async (folder: string): Promise<number[]> => {
      const source = await openBytes(join(root, folder, 'labels/north/labels_frames_0000_0007.npy'));
      const { data: numbers } = await (await openNpy(source)).read();
      await source.close();
      return [...(numbers as Float32Array).slice(0, 64)];
    };
    const { geometry } = (JSON.parse(await readFile(join(root, 'made/explorer/index.json'), 'utf8')) as BundleIndex)
      .clips[0]!;
    const [coded, exact] = [await given('coded'), await given('exact')];
    let [inside, same] = [0, 0];
    for (let at = 0; at < 64; at++) {
      const middle = (from: number, length: number, cell: number) => Math.floor(from + ((cell + 0.5) / 8) * length);
      const [across, down] = [middle(geometry.x, geometry.width, at % 8), middle(geometry.y, geometry.height, at >> 3)];
      if (across < 0 || down < 0 || across >= info.width || down >= info.height) continue;
      inside++;
      expect(data[(down * info.width + across) * info.channels]).toBe(coded[at]! + 1);
      if (exact[at] === coded[at]) same++;
    }
    expect(inside).toBeGreaterThan(30);
    // Of the encoder's own tokens but for those between two labels.
    expect(same / inside).toBeGreaterThanOrEqual(0.95);

    await using again = await opened();
    await again.view.getByText('Labels').click();
    const opener = again.view.locator('input[type=file]');
    await opener.setInputFiles({ name: 'labels.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await expect.poll(() => again.view.locator('.labels .share').allTextContents()).toEqual(['2', '1']);
    await opener.setInputFiles({ name: 'wrong.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
    await again.view.getByText('wrong.json: This is no file of labels.').waitFor();
    expect([...wrong, ...again.wrong]).toEqual([]);
  });

  test('tokens are picked without a pointer', async () => {
    await using there = await opened();
    const { view } = there;
    await stageOf(view).focus();
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowRight', 'Enter']) await view.keyboard.press(key);
    await matches(view).first().waitFor();
    await view.keyboard.press('ArrowDown');
    await view.keyboard.press('-');
    await expect.poll(() => view.url()).toContain('p=0.0.3.5&n=0.0.4.5');
  });

  test('pictures and tables can be taken away', async () => {
    await using there = await opened();
    const { view, wrong } = there;
    await click(view, 2, 3);
    await matches(view).first().waitFor();
    const download = async (name: string): Promise<{ name: string; bytes: Buffer }> => {
      const [file] = await Promise.all([view.waitForEvent('download'), view.getByRole('button', { name }).click()]);
      return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
    };
    const table = await download('Save CSV');
    expect(table.name).toBe('small-run_matches.csv');
    const [head, first, second] = table.bytes.toString().split('\r\n');
    expect(head).toBe('role,sequence,clip,frame,time,step,top,left,bottom,right,score');
    expect(first).toMatch(/^like,north,0,0,.*,0,2,3,2,3,$/);
    expect(second).toMatch(/^match,(north|south),\d,\d+,.*,\d,\d,\d,\d,\d,\d\.\d{5}$/);
    const picture = await download('Save PNG');
    expect(picture.name).toBe('small-run_frame_0.png');
    expect(picture.bytes.readUInt32BE(16)).toBe(192);
    expect(wrong).toEqual([]);
  });

  test.each([
    ['dark', 1280, 800],
    ['light', 390, 844],
  ] as const)('axe finds nothing serious: %s, %i x %i', async (colorScheme, width, height) => {
    await using there = await opened(`${serving.url}#p=0.0.2.3&n=0.0.0.0&layer=clusters`, {
      colorScheme,
      viewport: { width, height },
      reducedMotion: 'reduce',
      bypassCSP: true,
    });
    const { view } = there;
    await matches(view).first().waitFor();
    await expect.poll(() => view.locator('.clusters li').count(), { timeout: 10_000 }).toBe(8);
    await screenshot(view, `all-${colorScheme}-${width}`);
    expect(await seriousFindings(view)).toEqual([]);
    expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    // Every section open, points in space, a label with marks.
    for (const section of ['Labels', 'Scatter', 'Export']) await view.getByText(section, { exact: true }).click();
    await view.getByText('1,024 tokens. Draw').waitFor();
    await view.getByLabel('3-D').check();
    await view.getByRole('button', { name: 'Nearer' }).click();
    await expect.poll(() => view.locator('details:not([open])').count()).toBe(0);
    await screenshot(view, `sections-${colorScheme}-${width}`);
    expect(await seriousFindings(view)).toEqual([]);
    expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await view.keyboard.press('Escape');
    await view.getByRole('radio', { name: 'Run' }).check();
    await view.locator('.stage canvas').waitFor({ state: 'hidden' });
    expect(await seriousFindings(view)).toEqual([]);
    await view.getByRole('radio', { name: 'Frames' }).check();
    await view.keyboard.press('?');
    await view.getByRole('dialog').waitFor();
    expect(await seriousFindings(view)).toEqual([]);
  });

  test('an exported page works on a plain server, below a path', async () => {
    const site = join(root, 'static/some/where');
    await mkdir(site, { recursive: true });
    for (const name of ['index.html', 'app.css'].concat(await scripts()))
      await symlink(join(pagePath, name), join(site, name));
    await symlink(join(root, 'made/explorer'), join(site, 'data'));
    const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
    statics = createServer((request, response) => {
      const path = new URL(request.url!, 'http://x').pathname.replace(/\/$/, '/index.html');
      readFile(join(root, 'static', path)).then(
        (bytes) => response.writeHead(200, { 'content-type': types[path.split('.').at(-1)!] ?? '' }).end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => statics.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(statics.address() as AddressInfo).port}/some/where/`;
    await using there = await opened(url);
    const { view, wrong } = there;
    await click(view, 2, 3);
    await matches(view).first().waitFor();
    await view.getByRole('radio', { name: 'Clusters' }).check();
    await expect.poll(() => view.locator('.clusters li').count(), { timeout: 10_000 }).toBe(8);
    expect(wrong).toEqual([]);
  });

  test('says what is wrong where the data is gone', async () => {
    const empty = await serve({ page: pagePath, bundle: join(root, 'run'), port: 0 });
    const context = await browser.newContext();
    const view = await context.newPage();
    await view.goto(empty.url);
    expect(await view.getByRole('alert').textContent()).toContain('The data of this page is not there (404');
    await context.close();
    await empty.close();
  });
});

const scripts = async (): Promise<string[]> => {
  const { readdir } = await import('node:fs/promises');
  return (await readdir(pagePath)).filter((name) => name.endsWith('.js'));
};
