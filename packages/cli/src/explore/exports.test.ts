import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../../tools/chromium.mjs';
import { openPage, pagePath, screenshot } from '../testing/explorer-page.ts';
import { exploredRun } from '../testing/explored-run.ts';
import { serve, type Serving } from './serve.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

let root = '';
let browser: Browser;
let serving: Serving;

describe.skipIf(!chromiumPath)(`what the page exports${withoutChromium}`, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'exports-'));
    await exploredRun(join(root, 'run'), { bundle: true });
    // Frames of the sequence north lie in UTM zone 33; those of south nowhere.
    await cp(join(root, 'run/looks'), join(root, 'bundle'), { recursive: true });
    const path = join(root, 'bundle/index.json');
    const index = JSON.parse(await readFile(path, 'utf8')) as BundleIndex;
    const places: BundleIndex['places'] = {
      systems: ['EPSG:32633'],
      all: [{ system: 0, transform: [10, 0, 500_000, 0, -10, 5_300_000] }],
    };
    const clips = index.clips.map((clip) => (clip.sequence === 0 ? { ...clip, place: 0 } : clip));
    await writeFile(path, JSON.stringify({ ...index, clips, places }));
    serving = await serve({ page: pagePath, bundle: join(root, 'bundle'), port: 0 });
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await serving?.close();
    await rm(root, { recursive: true, force: true });
  });

  async function opened(hash = ''): Promise<AsyncDisposable & { view: Page; wrong: string[] }> {
    const there = await openPage(browser, serving.url + hash, { viewport: { width: 1280, height: 1100 } }, []);
    await there.view.getByRole('slider', { name: 'Time' }).waitFor();
    await there.view.getByText('Export', { exact: true }).click();
    return there;
  }
  async function download(view: Page, name: string): Promise<{ name: string; path: string; bytes: Buffer }> {
    const [file] = await Promise.all([
      view.waitForEvent('download', { timeout: 60_000 }),
      view.getByRole('button', { name, exact: true }).click(),
    ]);
    const path = join(root, file.suggestedFilename());
    await file.saveAs(path);
    return { name: file.suggestedFilename(), path, bytes: await readFile(path) };
  }

  test('films of the sequence, as a GIF and an MP4', { timeout: 120_000 }, async () => {
    await using there = await opened();
    const { view, wrong } = there;
    const gif = await download(view, 'GIF');
    expect([gif.name, gif.bytes.subarray(0, 6).toString('latin1')]).toEqual(['small-run_north.gif', 'GIF89a']);
    expect([gif.bytes.readUInt16LE(6), gif.bytes.readUInt16LE(8), gif.bytes.at(-1)]).toEqual([192, 128, 0x3b]);
    const mp4 = await download(view, 'MP4');
    expect(mp4.bytes.subarray(4, 8).toString('latin1')).toBe('ftyp');
    if (has('ffprobe') || spawnSync('ffprobe', ['-version']).status === 0)
      for (const [{ path }, codec] of [
        [mp4, 'h264'],
        [gif, 'gif'],
      ] as const) {
        const { stdout, stderr } = spawnSync('ffprobe', [
          ...['-v', 'error', '-count_frames', '-select_streams', 'v', '-of', 'json'],
          ...['-show_entries', 'stream=codec_name,width,height,nb_read_frames', path],
        ]);
        expect(stderr.toString()).toBe('');
        expect((JSON.parse(stdout.toString()) as { streams: unknown[] }).streams).toEqual([
          { codec_name: codec, width: 192, height: 128, nb_read_frames: '16' },
        ]);
      }
    expect(wrong).toEqual([]);
  });

  test('a cluster as a mask, as polygons in degrees and as a raster', { timeout: 60_000 }, async () => {
    await using there = await opened('#layer=clusters&k=3');
    const { view, wrong } = there;
    await view.getByRole('button', { name: 'Show group 1 alone' }).click();
    await view.getByLabel('Name of group 1').fill('=sea, "deep"');
    const mask = await download(view, 'Mask');
    expect(mask.name).toBe('small-run_clusters_frame_0.png');
    const { info, data } = await sharp(mask.bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([192, 128]);
    const white = data.filter((value, i) => i % 4 === 0 && value === 255).length;
    const black = data.filter((value, i) => i % 4 === 0 && value === 0).length;
    expect(white).toBeGreaterThan(0);
    expect(white + black).toBe(192 * 128);

    const polygons = await download(view, 'GeoJSON');
    const { features } = JSON.parse(polygons.bytes.toString()) as {
      features: { properties: object; geometry: { type: string; coordinates: [number, number][][][] } }[];
    };
    expect(features).toHaveLength(1);
    expect(features[0]!.properties).toMatchObject({ name: '=sea, "deep"', sequence: 'north', frame: 0 });
    const points = features[0]!.geometry.coordinates.flat(2);
    // The corner of the zone's middle meridian: 1.9 km to the east of 15 degrees at most.
    for (const [longitude, latitude] of points) {
      expect(longitude).toBeGreaterThanOrEqual(15);
      expect(longitude).toBeLessThan(15.03);
      expect(Math.abs(latitude - 47.85)).toBeLessThan(0.05);
    }
    for (const [outer] of features[0]!.geometry.coordinates) {
      const turned = outer!.slice(1).reduce((sum, [x, y], i) => sum + outer![i]![0] * y - x * outer![i]![1], 0);
      expect(turned).toBeGreaterThan(0);
      expect(outer!.at(-1)).toEqual(outer![0]);
    }

    const raster = await download(view, 'GeoTIFF');
    expect(raster.bytes.subarray(0, 2).toString('latin1')).toBe('II');
    if (has('gdalinfo')) {
      const { stdout } = spawnSync('gdalinfo', ['-json', '-hist', raster.path]);
      const told = JSON.parse(stdout.toString()) as { geoTransform: number[]; size: number[]; stac: object };
      expect(told.geoTransform[5]).toBeLessThan(0);
      expect(JSON.stringify(told)).toContain('32633');
    }
    await screenshot(view, 'export');
    expect(wrong).toEqual([]);
  });

  test(
    'says why a clip without a place has no polygons, and takes a film back half-way',
    { timeout: 60_000 },
    async () => {
      await using there = await opened('#layer=clusters&k=3&s=1');
      const { view, wrong } = there;
      await view.getByText('No GeoTIFF and GeoJSON: the frames of this clip have no place on the Earth.').waitFor();
      expect(await view.getByRole('button', { name: 'GeoJSON' }).isDisabled()).toBe(true);
      await expect.poll(() => view.getByRole('button', { name: 'Mask' }).isEnabled(), { timeout: 10_000 }).toBe(true);
      await view.getByRole('button', { name: 'MP4' }).click();
      await view.getByRole('button', { name: 'Cancel' }).click({ timeout: 30_000 });
      await expect.poll(() => view.getByRole('button', { name: 'MP4' }).isEnabled(), { timeout: 10_000 }).toBe(true);
      expect(await view.getByRole('alert').count()).toBe(0);
      expect(wrong).toEqual([]);
    },
  );
});
