import type { ManifestSoFar } from '@deepearth/core';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { hasPictures, pageOf, shownOf } from './package-page.ts';
import type { Placed } from './placed.ts';
import { portableManifest } from './portable-manifest.ts';
import { thumbnail } from './thumbnail.ts';

const file = (path: string, mediaType: string, about?: Placed['about']): Placed => ({
  kind: 'artifact',
  id: path,
  key: path,
  path,
  stored: path,
  bytes: 50_000,
  sha256: '0'.repeat(64),
  mediaType,
  ...(about && { about }),
});
const picture = (frame: number, layer = 'umap'): Placed =>
  file(`pictures/${layer}/frame_${String(frame).padStart(6, '0')}.png`, 'image/png', {
    kind: 'picture',
    sequence: 'north',
    frames: [frame],
    layer,
  });
const shown = (...files: Placed[]) =>
  shownOf(async function* () {
    yield* files;
  });
const manifest = { name: 'A <b>run</b>', versions: {} } as unknown as ManifestSoFar;
const html = async (...files: Placed[]) => pageOf(manifest, await shown(...files), new Map(), ['README.txt']);

describe('the page of a package', () => {
  test('shows at most 120 pictures of a layer, the first among them, evenly spread and in order', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), async (count) => {
        const { groups } = await shown(...Array.from({ length: count }, (_, i) => picture(i)));
        expect(groups).toHaveLength(1);
        const [{ shown: some, count: all }] = groups as [(typeof groups)[number]];
        const frames = some.map(({ about }) => about!.frames![0]!);
        expect(all).toBe(count);
        expect(frames).toHaveLength(Math.min(120, count));
        expect(frames[0]).toBe(0);
        const gaps = frames.slice(1).map((frame, i) => frame - frames[i]!);
        expect(Math.max(0, ...gaps) - Math.min(...gaps, Infinity)).toBeLessThanOrEqual(1);
        expect(Math.min(...gaps, Infinity)).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    ));

  test('tells videos, animations, pictures of layers and other files apart', async () => {
    const found = await shown(
      picture(1),
      picture(1, 'pca'),
      picture(2),
      file('gif/umap.gif', 'image/gif'),
      file('apng/umap.png', 'image/png', { kind: 'picture', frames: [1, 2] }),
      file('video/umap.mp4', 'video/mp4'),
      file('features/a.pt', 'application/x-pytorch'),
      file('maps/a.tif', 'image/tiff'),
    );
    expect(found.groups.map(({ title, count }) => [title, count])).toEqual([
      ['umap, north', 2],
      ['pca, north', 1],
    ]);
    expect(found.videos.map(({ path }) => path)).toEqual(['video/umap.mp4']);
    expect(found.animations.map(({ path }) => path)).toEqual(['gif/umap.gif', 'apng/umap.png']);
    expect(found.others.map(({ path }) => path)).toEqual(['features/a.pt', 'maps/a.tif']);
    expect(hasPictures(found)).toBe(true);
    expect(hasPictures(await shown(file('features/a.pt', 'application/x-pytorch')))).toBe(false);
  });

  test('lists 200 other files and counts the rest', async () => {
    const text = await html(
      picture(0),
      ...Array.from({ length: 230 }, (_, i) => file(`features/${i}.pt`, 'application/x-pytorch')),
    );
    expect(text.match(/<tr>/g)).toHaveLength(200);
    expect(text).toContain('And 30 more.');
  });

  test('holds names as text and paths as links, whatever is in them', async () => {
    const path = 'pictures/a "b"/<i>&#x27;50%?x=1#y.png';
    const text = await html(file(path, 'image/png'));
    expect(text).toContain('<h1>A &#60;b&#62;run&#60;/b&#62;</h1>');
    expect(text).not.toContain('<i>');
    const links = [...text.matchAll(/src="([^"]*)"/g)].map(([, found]) => found!.replaceAll('&#39;', "'"));
    expect(links.map(decodeURIComponent)).toEqual([path]);
    expect(new URL(links[0]!, 'file:///package/index.html').hash).toBe('');
  });

  test('loads nothing from elsewhere and runs nothing', async () => {
    const text = await html(picture(0), file('video/umap.mp4', 'video/mp4'));
    expect(text).not.toMatch(/<script|https?:|src="\/|href="\//);
  });
});

test('a thumbnail has 320 pixels at most, keeps its proportions, and is never larger than the picture', async () => {
  const of = async (width: number, height: number) => {
    const png = await sharp({ create: { width, height, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    const small = await thumbnail(png);
    expect(await thumbnail(png)).toEqual(small);
    const { data, info } = await sharp(small).raw().toBuffer({ resolveWithObject: true });
    return { size: [info.width, info.height], first: [...data.subarray(0, 3)] };
  };
  expect(await of(960, 480)).toEqual({ size: [320, 160], first: [255, 255, 255] });
  expect((await of(40, 30)).size).toEqual([40, 30]);
});

test('a manifest that travels says where files lie in a cache, and has them in that order', async () => {
  const input = (path: string, place?: string) => ({
    path,
    bytes: 1,
    sha256: 'x',
    ...(place !== undefined && { place }),
  });
  const given = {
    name: 'run',
    inputs: (async function* () {
      yield input('/home/a/.cache/deepearth/w.safetensors', '$DEEPEARTH_CACHE/w.safetensors');
      yield input('frames/0.png');
      yield input('/data/1.png');
    })(),
  } as unknown as ManifestSoFar;
  const { inputs } = await portableManifest(given, () => Promise.reject(new Error('there is room in memory')));
  for (let pass = 0; pass < 2; pass++) {
    const found: string[] = [];
    for await (const { path, ...rest } of inputs) {
      found.push(path);
      expect(Object.keys(rest)).toEqual(['bytes', 'sha256']);
    }
    expect(found).toEqual(['$DEEPEARTH_CACHE/w.safetensors', '/data/1.png', 'frames/0.png']);
  }
});
