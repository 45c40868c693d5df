import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  frameReader,
  type Description,
  type Frame,
  type FrameRecord,
  type InputFile,
  type Raster,
  type RunEvent,
} from '@deepearth/core';
import { createRegistry } from '@deepearth/core/registry';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { stages } from '../stages.ts';
import {
  classOf,
  madeItem,
  sceneSize,
  valueOf,
  writeCollection,
  writeItemScenes,
  type MadeItem,
} from '../testing/make-stac.ts';
import { writeScene } from '../testing/scenes.ts';
import { stacSource } from './source.ts';

const made: string[] = [];
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  for (const path of made) await rm(path, { recursive: true, force: true });
});
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'stac-'));
  made.push(path);
  return path;
}

const dates = 4;
const place = await folder();
for (let date = 0; date < dates; date++) await writeItemScenes(place, date);
const all = (more: (date: number) => MadeItem = () => ({})): { [member: string]: unknown }[] =>
  Array.from({ length: dates }, (_, date) => madeItem(date, more(date)));
// A search returns the latest first.
const good = await writeCollection(place, all().reverse(), { stac_version: '1.0.0' });
let names = 0;
const collection = (items: readonly unknown[], more: { readonly [member: string]: unknown } = {}): Promise<string> =>
  writeCollection(place, items, more, `items-${names++}.json`);

const broken = await folder();
for (let date = 0; date < 3; date++) await writeItemScenes(broken, date);
const cut = join(broken, 'S2A_33UUP_20240102_0_L2A/green.tif');
await writeFile(cut, (await readFile(cut)).subarray(0, -40));
const bad = await writeCollection(
  broken,
  [0, 1, 2].map((date) => madeItem(date)),
);

describeStage(stacSource, {
  options: { items: good },
  otherOptions: { items: good, assets: ['nir'], stretch: { range: [0, 1000] } },
  broken: {
    options: { items: bad },
    says: /item S2A_33UUP_20240102_0_L2A: .*green\.tif: ends at byte \d+, and tile \d+ .* cut short/,
    left: 2,
  },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
    expect(found.map(({ at }) => at)).toEqual([1, 2, 3, 4].map((day) => `2024-01-0${day}T10:17:31.024Z`));
    expect(found[3]!.seconds).toBe(3 * 86_400);
    expect(found.map(({ sequence }) => sequence)).toEqual(Array(4).fill('MGRS-33UUP'));
    expect(found[1]!.metadata).toEqual({
      item: 'S2A_33UUP_20240102_0_L2A',
      collection: 'sentinel-2-l2a',
      platform: 'sentinel-2a',
      'eo:cloud_cover': 10,
    });
    expect(found[0]!.georeference).toEqual({ crs: 'EPSG:32633', transform: [10, 0, 399_960, 0, -10, 5_300_040] });
  },
});

type Options = NonNullable<RunStageOptions<typeof stacSource.options>['options']>;
async function run(options: Options, rest: RunStageOptions<typeof stacSource.options> = {}) {
  const found: { frame: Frame; raster: Raster }[] = [];
  const events: RunEvent[] = [];
  const inputs: InputFile[] = [];
  for await (const frame of runStage(stacSource, {
    options,
    onInput: (file) => inputs.push(file),
    onEvent: (event) => events.push(event),
    ...rest,
  }))
    found.push({ frame, raster: await frame.read() });
  const of = (type: 'warning' | 'info') => events.flatMap((event) => (event.type === type ? [event.message] : []));
  const skipped = events.flatMap((event) => (event.type === 'skipped' ? [event.message] : []));
  return { found, warnings: of('warning'), infos: of('info'), skipped, inputs };
}

const stored = { values: 'stored', stretch: { range: [0, 1000] as [number, number] } } as const;
/** Channels of a pixel. */
const pixel = ({ raster }: { raster: Raster }, x: number, y: number): number[] => [
  ...raster.values.data.slice((y * raster.values.shape[1]! + x) * 3, (y * raster.values.shape[1]! + x) * 3 + 3),
];

describe('assets', () => {
  test('of one band each are put together, in the order in which they are named', async () => {
    const { found, infos, inputs } = await run({ items: good, ...stored });
    for (const [date, each] of found.entries()) {
      expect([each.raster.values.dtype, ...each.raster.values.shape]).toEqual(['uint16', 30, 40, 3]);
      for (const [x, y] of [
        [0, 0],
        [35, 29],
        [17, 4],
      ] as const)
        expect(pixel(each, x, y)).toEqual([0, 1, 2].map((band) => valueOf(date, band, x, y)));
      expect([each.raster.valid![35], each.raster.valid![36]]).toEqual([1, 0]);
    }
    expect(infos[0]).toMatch(/^4 items of 1 sequence, assets red, green and blue, ordered by time: 2024-01-01/);
    expect(infos.join()).toContain('colours are bands 1, 2 and 3 (red, green, blue)');
    expect(inputs.map(({ path }) => path.slice(place.length + 1)).sort()).toEqual(
      [
        'items.json',
        ...all().flatMap(({ id }) => ['red', 'green', 'blue'].map((key) => `${id as string}/${key}.tif`)),
      ].sort(),
    );
    const other = await run({ items: good, assets: ['blue', 'red', 'green'], ...stored });
    expect(pixel(other.found[0]!, 3, 3)).toEqual([1026, 1006, 1016]);
    const grey = await run({ items: good, assets: 'green', ...stored });
    expect(pixel(grey.found[0]!, 3, 3)).toEqual([1016, 1016, 1016]);
  });

  test('of larger pixels are brought to the smallest ones, nearest unless told', async () => {
    const options = { items: good, assets: ['nir', 'red', 'green'], ...stored };
    const near = (await run(options)).found[1]!;
    expect([near.frame.width, near.frame.height]).toEqual([40, 30]);
    for (let y = 0; y < 30; y++)
      for (let x = 0; x < 36; x++)
        expect(pixel(near, x, y)[0]).toBe(valueOf(1, 3, 2 * Math.floor(x / 2), 2 * Math.floor(y / 2)));
    // The stored values are a plane, on which what lies between four centres lies too; a centre is half a pixel off.
    const between = (await run({ ...options, resampling: 'bilinear' })).found[1]!;
    for (let y = 1; y < 29; y++)
      for (let x = 1; x < 34; x++) expect(pixel(between, x, y)[0]).toBe(Math.floor(valueOf(1, 3, x, y) - 1 + 0.5));
    expect(pixel(between, 5, 5).slice(1)).toEqual(pixel(near, 5, 5).slice(1));
  });

  test('give their grid where it is named, or where another is wanted', async () => {
    const options = { items: good, assets: ['nir', 'red', 'green'], ...stored };
    const coarse = (await run({ ...options, grid: { asset: 'nir' } })).found[0]!;
    expect([coarse.frame.width, coarse.frame.height]).toEqual([20, 15]);
    expect(coarse.frame.georeference!.transform).toEqual([20, 0, 399_960, 0, -20, 5_300_040]);
    const bounds = [399_940, 5_299_900, 400_060, 5_300_060] as [number, number, number, number];
    const beyond = (await run({ ...options, grid: { bounds, resolution: 10 } })).found[0]!;
    expect([beyond.frame.width, beyond.frame.height]).toEqual([12, 16]);
    expect(beyond.frame.georeference!.transform).toEqual([10, 0, 399_940, 0, -10, 5_300_060]);
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 12; x++) {
        expect(beyond.raster.valid![y * 12 + x]).toBe(x >= 2 && y >= 2 ? 1 : 0);
        if (x >= 2 && y >= 2) expect(pixel(beyond, x, y)[1]).toBe(valueOf(0, 0, x - 2, y - 2));
      }
  });

  test('of items that each end somewhere else are cut to one place', async () => {
    // Scenes of Landsat lie on one lattice, and begin elsewhere from date to date.
    const asset = async (name: string, shift: number) => {
      await writeScene(join(place, name), (x, y) => 100 * (x + shift) + y + 1, {
        bands: 1,
        transform: [10, 0, 399_960 + shift * 10, 0, -10, 5_300_040],
      });
      return { red: { href: name } };
    };
    const items = await collection([
      madeItem(0, { assets: await asset('west.tif', 0) }),
      madeItem(1, { assets: await asset('east.tif', 7) }),
    ]);
    await expect(run({ items, assets: 'red' })).rejects.toMatchObject({ code: 'E_FRAME_PLACE' });
    const bounds = [400_010, 5_299_990, 400_080, 5_300_040] as [number, number, number, number];
    const { found } = await run({ items, assets: 'red', grid: { bounds }, ...stored });
    expect(found.map(({ frame }) => [frame.width, frame.height, frame.georeference!.transform])).toEqual(
      Array(2).fill([7, 5, [10, 0, 400_010, 0, -10, 5_300_040]]),
    );
    for (const [date, each] of found.entries())
      for (let y = 0; y < 5; y++)
        for (let x = 0; x < 7; x++) {
          const inside = date === 0 || x >= 2;
          expect(each.raster.valid?.[y * 7 + x] ?? 1).toBe(inside ? 1 : 0);
          if (inside) expect(pixel(each, x, y)[0]).toBe(100 * (x + 5) + y + 1);
        }
  });

  test('are the one that shows a picture, where the options name none', async () => {
    const visual = { href: 'visual.tif', roles: ['visual'] };
    await writeScene(join(place, 'visual.tif'), (x, y, band) => x + y + band, { type: 'uint8' });
    const items = await collection(all(() => ({ assets: { visual } })));
    const { found, infos } = await run({ items });
    expect(pixel(found[0]!, 3, 4)).toEqual([7, 8, 9]);
    expect(infos[0]).toMatch(/asset visual/);
    const only = await collection([{ ...madeItem(0), assets: { data: { href: 'visual.tif', roles: ['data'] } } }]);
    expect(pixel((await run({ items: only })).found[0]!, 3, 4)).toEqual([7, 8, 9]);
    const none = await collection([{ ...madeItem(0), assets: { a: visual, b: visual } }]);
    await expect(run({ items: none })).rejects.toMatchObject({
      code: 'E_ASSET',
      message: expect.stringMatching(/a, b/),
    });
  });

  test('have the scale, offset and nodata that the item states, of STAC 1.0 and 1.1', async () => {
    const href = './S2A_33UUP_20240101_0_L2A/red.tif';
    const meanings = [
      { 'raster:bands': [{ scale: 0.0001, offset: -0.1, nodata: 1003 }] },
      { bands: [{ name: 'B04', nodata: 1003, 'raster:scale': 0.0001, 'raster:offset': -0.1 }] },
      { nodata: 1003, 'raster:scale': 0.0001, 'raster:offset': -0.1 },
    ];
    for (const meaning of meanings) {
      const items = await collection([madeItem(0, { assets: { red: { href, ...meaning } } })]);
      const options = { items, assets: ['red'], ...stored };
      const { raster } = (await run(options)).found[0]!;
      expect(raster.values.dtype).toBe('float32');
      expect(raster.values.data[0]).toBe(Math.fround(1000 * 0.0001 - 0.1));
      expect(raster.values.data[3]).toBe(Math.fround(1001 * 0.0001 - 0.1));
      expect([...raster.valid!.slice(0, 6), raster.valid![36]]).toEqual([1, 1, 1, 0, 1, 1, 0]);
      const plain = (await run({ ...options, scaled: false })).found[0]!.raster;
      expect([plain.values.dtype, plain.values.data[3]]).toEqual(['uint16', 1001]);
    }
    // Earth Search says the offset of files that have it already.
    const applied = await collection([
      madeItem(0, {
        properties: { 'earthsearch:boa_offset_applied': true },
        assets: { red: { href, ...meanings[0] } },
      }),
    ]);
    const { raster } = (await run({ items: applied, assets: ['red'], ...stored })).found[0]!;
    expect(raster.values.data[3]).toBe(Math.fround(1001 * 0.0001));
  });

  test('of several bands have what the item states of all of them, and of each', async () => {
    await writeScene(join(place, 'three.tif'), (x, y, band) => 100 * (band + 1) + x, { bands: 3 });
    const of = async (asset: object) => {
      const items = await collection([madeItem(0, { assets: { three: { href: 'three.tif', ...asset } } })]);
      return (await run({ items, assets: 'three', ...stored })).found[0]!;
    };
    const all3 = await of({ 'raster:scale': 0.5, nodata: 302 });
    expect(pixel(all3, 1, 0)).toEqual([50.5, 100.5, 150.5]);
    expect([...all3.raster.valid!.slice(0, 4)]).toEqual([1, 1, 0, 1]);
    const each = await of({ 'raster:scale': 0.5, bands: [{ name: 'a' }, { name: 'b', 'raster:scale': 2 }, {}] });
    expect(pixel(each, 1, 0)).toEqual([50.5, 402, 150.5]);
    // What the item does not list of a file is what it says of all.
    const some = await of({ 'raster:scale': 0.5, bands: [{ name: 'a' }, { name: 'b' }] });
    expect(pixel(some, 1, 0)).toEqual([50.5, 100.5, 150.5]);
  });

  test('are found by the common name of their band, where no other has it', async () => {
    const asset = (key: string, more: object) => ({ href: `S2A_33UUP_20240101_0_L2A/${key}.tif`, ...more });
    const assets = {
      B04: asset('red', { 'eo:bands': [{ name: 'B04', common_name: 'red' }] }),
      B03: asset('green', { bands: [{ name: 'B03', 'eo:common_name': 'green' }] }),
      B02: asset('blue', { 'eo:common_name': 'blue' }),
      TCI: asset('nir', { 'eo:bands': ['red', 'green', 'blue'].map((name) => ({ common_name: name })) }),
    };
    const items = await collection([{ ...madeItem(0), assets }]);
    const { found, infos } = await run({ items, ...stored });
    expect(pixel(found[0]!, 3, 3)).toEqual([1006, 1016, 1026]);
    expect(infos[0]).toMatch(/assets red, green and blue/);
    const two = { ...assets, B4: assets.B04 };
    const unclear = await collection([{ ...madeItem(0), assets: two }]);
    await expect(run({ items: unclear, assets: 'red' })).rejects.toMatchObject({ code: 'E_ASSET' });
    expect((await run({ items: unclear, assets: 'B4', ...stored })).found).toHaveLength(1);
  });

  test('are chosen by name and number through all of them', async () => {
    const options = { items: good, assets: ['red', 'green', 'blue', 'nir'], ...stored };
    expect(pixel((await run({ ...options, bands: ['nir', 'red', 1] })).found[0]!, 2, 2)).toEqual([1034, 1004, 1004]);
    await expect(run({ ...options, bands: ['nit'] })).rejects.toThrow(/Did you mean "nir"\?/);
  });
});

describe('a mask', () => {
  const mask = { asset: 'scl', invalid: [0, 9] };

  test('of an asset with larger pixels marks those that do not count', async () => {
    const { found } = await run({ items: good, mask, ...stored });
    for (const [date, { raster }] of found.entries())
      for (let y = 0; y < 30; y++)
        for (let x = 0; x < 40; x++)
          expect(raster.valid![y * 40 + x]).toBe(
            x > 35 || classOf(date, Math.floor(x / 2), Math.floor(y / 2)) === 9 ? 0 : 1,
          );
    // Values are those of the bands, whatever the mask says.
    expect(pixel(found[0]!, 8, 10)).toEqual([0, 1, 2].map((band) => valueOf(0, band, 8, 10)));
  });

  test('takes no part in the stretch, and is no band of the picture', async () => {
    const range = (options: Partial<Options>) =>
      run({ items: good, assets: 'red', stretch: { percentile: [0, 100] }, ...options }).then(
        ({ found }) => found[0]!.frame.locator.decode!['ranges'],
      );
    expect(await range({})).toEqual([[1000, 1000 + 150 + 64]]);
    const all9 = { asset: 'scl', invalid: [4] };
    // Clouds alone: from (6, 8) on date 0 to (17, 15) on date 3.
    expect(await range({ mask: all9 })).toEqual([[1000 + 14, 1000 + 150 + 32]]);
    const { infos } = await run({ items: good, assets: ['red', 'green'], mask, ...stored });
    expect(infos.join()).toContain('colours are band 1 (red), the first of 2');
  });

  test('goes by bits and by limits, too', async () => {
    const valid = async (rule: object) =>
      (await run({ items: good, mask: { asset: 'scl', ...rule }, ...stored })).found[0]!.raster.valid!;
    // 9 is 1001, 4 is 0100 in binary.
    const clouds = await valid({ invalid: [9] });
    expect(await valid({ bits: [0] })).toEqual(clouds);
    expect(await valid({ bits: [1, 3] })).toEqual(clouds);
    expect(await valid({ above: 5 })).toEqual(clouds);
    expect(await valid({ below: 5 })).toEqual(await valid({ bits: [2] }));
    expect([...(await valid({ bits: [1] }))].filter((one, at) => one === 0 && at % 40 <= 35)).toEqual([]);
    await expect(run({ items: good, mask: { asset: 'scl' } })).rejects.toThrow(/says of no value/);
  });

  test('that ends before the picture does leaves the rest out', async () => {
    const small = join(place, 'small.tif');
    await writeScene(small, () => 4, { width: 10, height: 30, bands: 1, type: 'uint8' });
    const items = await collection([madeItem(0, { assets: { scl: { href: 'small.tif' } } })]);
    const { raster } = (await run({ items, mask, ...stored })).found[0]!;
    expect([...raster.valid!.slice(0, 40)]).toEqual(Array.from({ length: 40 }, (_, x) => (x < 10 ? 1 : 0)));
  });
});

describe('items', () => {
  test('are left out by their clouds, which is said', async () => {
    const items = await collection([
      ...all(),
      madeItem(0, { id: 'silent', properties: { 'eo:cloud_cover': undefined } }),
    ]);
    const { found, warnings, infos } = await run({ items, maxCloudCover: 15 });
    expect(found.map(({ frame }) => frame.metadata!['item'])).toEqual(
      all()
        .slice(0, 2)
        .map(({ id }) => id),
    );
    expect(infos[0]).toMatch(/^2 items of 1 sequence.*, 2 of 5 left out for more than 15 % clouds, ordered by time/);
    expect(warnings).toEqual(['of 5 items one does not say how many clouds it has, and is left out']);
    await expect(run({ items: good, maxCloudCover: 0, sequences: 'one' })).resolves.toMatchObject({
      found: { length: 1 },
    });
    const cloudy = await collection(all().slice(2));
    await expect(run({ items: cloudy, maxCloudCover: 5 })).rejects.toMatchObject({ code: 'E_NO_FRAMES' });
  });

  test('of several tiles and collections are sequences of their own, under one stretch', async () => {
    const items = await collection([
      ...all(),
      ...all((date) => ({ id: `other-${date}`, properties: { 'grid:code': undefined, 's2:mgrs_tile': '33UUQ' } })),
    ]);
    const sequences = async (options: Partial<Options>) => {
      const { found } = await run({ items, assets: 'red', ...options });
      return [...new Set(found.map(({ frame }) => frame.sequence))];
    };
    expect(await sequences({})).toEqual(['MGRS-33UUP', 'MGRS-33UUQ']);
    expect(await sequences({ sequences: 'collection' })).toEqual(['sentinel-2-l2a']);
    const two = await collection([...all(), ...all(() => ({ collection: 'sentinel-2-c1-l2a' }))]);
    expect(await sequences({ items: two })).toEqual(['sentinel-2-c1-l2a/MGRS-33UUP', 'sentinel-2-l2a/MGRS-33UUP']);
    const tile = { size: 20, overlap: 0 };
    const described = (await describeAlone(stacSource, { options: { items, assets: 'red', tile } })) as Description;
    expect(described.output).toMatchObject({ count: 2 * 4 * 4, sequences: { length: 8 }, counts: Array(8).fill(4) });
    const sent = await sequences({ tile });
    expect(sent).toEqual(described.output.sequences);
    const { found } = await run({ items, assets: 'red' });
    expect(new Set(found.map(({ frame }) => JSON.stringify(frame.locator.decode!['ranges']))).size).toBe(1);
  });

  test('of a period begin with it', async () => {
    const items = await collection([
      madeItem(0, {
        properties: {
          datetime: null,
          start_datetime: '2024-03-01T02:00:00+02:00',
          end_datetime: '2024-03-31T23:59:59Z',
        },
      }),
    ]);
    const { frame } = (await run({ items })).found[0]!;
    expect(frame.at).toBe('2024-03-01T00:00:00Z');
    expect(frame.metadata!['end_datetime']).toBe('2024-03-31T23:59:59Z');
  });

  test('are found through catalogs, each once', async () => {
    const path = await folder();
    await writeItemScenes(path, 0);
    await writeItemScenes(path, 1);
    await mkdir(join(path, 'a b'));
    const link = (rel: string, href: string) => ({ rel, href, type: 'application/json' });
    const catalog = { type: 'Catalog', stac_version: '1.1.0', id: 'all', description: '' };
    await writeFile(
      join(path, 'catalog.json'),
      JSON.stringify({
        ...catalog,
        links: [
          link('self', './catalog.json'),
          link('child', './a%20b/collection.json'),
          link('child', 'a%20b/collection.json'),
        ],
      }),
    );
    await writeFile(
      join(path, 'a b/collection.json'),
      JSON.stringify({
        ...catalog,
        type: 'Collection',
        links: [
          link('root', '../catalog.json'),
          link('child', '../catalog.json'),
          link('item', '../0.json'),
          link('item', '../1.json'),
        ],
      }),
    );
    for (const date of [0, 1]) await writeFile(join(path, `${date}.json`), JSON.stringify(madeItem(date)));
    const ids = async (items: string | string[]) =>
      (await run({ items })).found.map(({ frame }) => frame.metadata!['item']);
    const both = [0, 1].map((date) => madeItem(date)['id']);
    expect(await ids(join(path, 'catalog.json'))).toEqual(both);
    expect(await ids(join(path, '1.json'))).toEqual(both.slice(1));
    expect(await ids(join(path, '?.json'))).toEqual(both);
    const { warnings } = await run({ items: [join(path, 'catalog.json'), join(path, '1.json')] });
    expect(warnings).toEqual([]);
    const again = await collection([madeItem(0), madeItem(0)]);
    expect((await run({ items: again })).warnings).toEqual(['1 item comes twice, and once counts']);
  });

  test('of one moment, and of values that mean different things, are told', async () => {
    const twice = await collection([
      ...all(),
      madeItem(1, { id: 'S2A_33UUP_20240102_1_L2A', assets: madeItem(1)['assets'] as { [key: string]: unknown } }),
    ]);
    expect((await run({ items: twice })).warnings).toEqual([
      '1 item of 5 shows the moment of another one of the same tile, the first of them S2A_33UUP_20240102_1_L2A: processed twice, or in parts',
    ]);
    const red = { href: './S2A_33UUP_20240101_0_L2A/red.tif', 'raster:bands': [{ scale: 0.0001, offset: 0 }] };
    const scaled = await collection([madeItem(0, { assets: { red } }), madeItem(1), madeItem(2)]);
    expect((await run({ items: scaled, assets: 'red' })).warnings).toEqual([
      'values of items are of several types (float32 in 1, uint16 in 2): some may be scaled and others not',
    ]);
  });

  test('of a page say that there is another', async () => {
    const items = await collection(all(), {
      numberMatched: 90,
      links: [{ rel: 'next', href: 'https://example.org/2' }],
    });
    expect((await run({ items })).warnings).toEqual([
      expect.stringMatching(/one page of a search: it has 4 of 90 items/),
    ]);
  });
});

describe('what is wrong', () => {
  const only = async (item: unknown, code: string, says: RegExp, options: Partial<Options> = {}) => {
    const items = await collection([madeItem(1), item]);
    const wanted = { items, assets: ['red', 'green', 'blue'], ...options };
    await expect(run(wanted)).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
    const { found, skipped } = await run(wanted, { onError: 'skip' });
    expect(found).toHaveLength(1);
    expect(skipped).toEqual([expect.stringMatching(says)]);
  };

  test('with every item is told by the plan, with what the first lacks', async () => {
    const items = await collection(all());
    const described = (await describeAlone(stacSource, { options: { items, assets: 'rad' } })) as Description;
    expect(described.warnings).toEqual([
      expect.stringMatching(
        /^no file of the series can be read: .*has no asset "rad": it has .*Did you mean "red"\?$/,
      ) as string,
    ]);
  });

  test('with one item is told by its id, and may be skipped', async () => {
    await only(
      madeItem(0, { properties: { datetime: null } }),
      'E_NO_TIME',
      /item S2A_33UUP_20240101_0_L2A: has no time/,
    );
    await only(madeItem(0, { properties: { datetime: '2024-02-30T00:00:00Z' } }), 'E_NO_TIME', /20240101/);
    const { green: _, ...rest } = madeItem(0)['assets'] as { [key: string]: object };
    await only(
      { ...madeItem(0), assets: rest },
      'E_ASSET',
      /20240101_0_L2A: has no asset "green": it has red, blue, nir, scl/,
    );
    const at = (href: string, more: object = {}) => madeItem(0, { assets: { green: { href, ...more } } });
    await only(
      at('s3://bucket/a/B03.tif'),
      'E_ASSET',
      /asset "green" at s3:\/\/.*https:\/\/bucket\.s3\.amazonaws\.com/,
    );
    await only(at('./gone.tif'), 'E_FILE_MISSING', /item S2A_33UUP_20240101_0_L2A: .*gone\.tif: there is no such file/);
    await only(at('./items.json'), 'E_FORMAT', /20240101_0_L2A: .*items\.json: is no TIFF/);
    // One of two dates that lies elsewhere: the first is what the series is measured by.
    await writeScene(join(place, 'elsewhere.tif'), () => 7, { bands: 1, crs: 'EPSG:32632' });
    await only(
      at('./elsewhere.tif'),
      'E_FRAME_PLACE',
      /20240101_0_L2A: .*elsewhere\.tif: is in EPSG:32632, but .*red\.tif is in EPSG:32633/,
    );
    // All of its assets lie elsewhere: the other date is what it is measured by.
    const elsewhere = Object.fromEntries(['red', 'green', 'blue'].map((key) => [key, { href: './elsewhere.tif' }]));
    const items3 = await collection([madeItem(1), madeItem(2), madeItem(0, { assets: elsewhere })]);
    await expect(run({ items: items3 })).rejects.toMatchObject({
      code: 'E_FRAME_PLACE',
      message: expect.stringMatching(/20240101_0_L2A: .* is in EPSG:32632, but most .*grid: \{ bounds/),
    });
    const alternate = { alternate: { https: { href: 'S2A_33UUP_20240101_0_L2A/green.tif' } } };
    const items = await collection([at('s3://bucket/a/B03.tif', alternate)]);
    expect((await run({ items })).found).toHaveLength(1);
  });

  test('with a document is told by its path', async () => {
    const path = await folder();
    const says = async (content: string | Uint8Array, code: string, message: RegExp) => {
      await writeFile(join(path, 'items.json'), content);
      await expect(run({ items: join(path, 'items.json') })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    };
    await says('<html>', 'E_STAC', /items\.json: is no JSON/);
    await says('', 'E_STAC', /is no JSON/);
    await says(Uint8Array.of(0xff, 0xfe, 0x7b), 'E_STAC', /is no JSON/);
    await says('[]', 'E_STAC', /no object of STAC/);
    await says('{"type":"Topology"}', 'E_STAC', /is of the type "Topology" and has no version/);
    await says('{"stages":[]}', 'E_STAC', /has no type/);
    await says('{"type":"FeatureCollection"}', 'E_STAC', /without features/);
    await says('{"type":"FeatureCollection","features":[]}', 'E_NO_FRAMES', /holds no item/);
    await says('{"type":"FeatureCollection","features":[null]}', 'E_STAC', /no GeoJSON feature/);
    await says('{"type":"Feature","id":"lake","geometry":null}', 'E_STAC', /"lake" without assets: it is GeoJSON/);
    await says('{"type":"Feature","assets":{}}', 'E_STAC', /without an id/);
    const gone = { type: 'Catalog', stac_version: '1.0.0', links: [{ rel: 'item', href: './gone.json' }] };
    await says(JSON.stringify(gone), 'E_FILE_MISSING', /gone\.json: there is no such file/);
    const s3 = { ...gone, links: [{ rel: 'child', href: 's3://bucket/catalog.json' }] };
    await says(JSON.stringify(s3), 'E_ASSET', /s3:\/\/bucket\/catalog\.json: is neither a file nor an address/);
    await expect(run({ items: join(path, 'none.json') })).rejects.toMatchObject({ code: 'E_FILE_MISSING' });
  });

  test('with options is refused before anything is read', async () => {
    const refused = await describeAlone(stacSource, { options: { items: good, grid: { asset: 'nir' } } });
    expect(refused).toMatchObject({ refused: expect.stringMatching(/`grid.asset` names "nir", which is not among/) });
  });
});

describe('frames', () => {
  const options = { items: good, assets: ['nir', 'red', 'green'], mask: { asset: 'scl', invalid: [9] } };

  test('are found again by their locators, with the same values, in another process', async () => {
    const reader = frameReader({ registry: createRegistry(stages) });
    const keys = new Set<string>();
    for (const more of [
      {},
      { tile: { size: 16, overlap: 4 } },
      { values: 'stored' as const, resampling: 'bilinear' as const },
    ])
      for (const { frame, raster } of (await run({ ...options, ...more })).found.slice(0, 6)) {
        const again = reader.frame(JSON.parse(JSON.stringify(frame)) as FrameRecord);
        expect(await again.read()).toEqual(raster);
        expect(keys.has(frame.key)).toBe(false);
        keys.add(frame.key);
      }
    await reader.close();
  });

  test('of a window and of an overview hold what the whole holds there', async () => {
    const whole = (await run(options)).found[2]!;
    const window = { x: 7, y: 5, width: 21, height: 18 };
    const part = (await run({ ...options, window })).found[2]!;
    // The stretch goes by the part that is read; values as stored do not.
    const [all1, part1] = await Promise.all(
      [{}, { window }].map(async (more) => (await run({ ...options, ...stored, ...more })).found[2]!),
    );
    expect(part1!.raster).toEqual(await all1!.frame.read({ window }));
    expect(part.frame.georeference!.transform).toEqual([10, 0, 399_960 + 70, 0, -10, 5_300_040 - 50]);
    expect(whole.frame.width).toBe(40);
  });

  test('whose files move keep their keys', async () => {
    const other = await folder();
    for (let date = 0; date < dates; date++) await writeItemScenes(other, date);
    const items = await writeCollection(other, all());
    const keys = async (from: string) => (await run({ ...options, items: from })).found.map(({ frame }) => frame.key);
    expect(await keys(items)).toEqual(await keys(good));
  });

  test('are not read of a file that has changed', async () => {
    const other = await folder();
    for (let date = 0; date < 2; date++) await writeItemScenes(other, date);
    const items = await writeCollection(
      other,
      [0, 1].map((date) => madeItem(date)),
    );
    await expect(
      (async () => {
        for await (const frame of runStage(stacSource, {
          options: { ...options, items, verify: false, stretch: 'type' },
        })) {
          await writeScene(join(other, frame.metadata!['item'] as string, 'green.tif'), () => 3, { bands: 1 });
          await frame.read();
        }
      })(),
    ).rejects.toMatchObject({ code: 'E_INPUT_CHANGED', message: expect.stringMatching(/green\.tif/) });
  });
});

describe('on a server', () => {
  async function serve(etag: () => string): Promise<{ base: string; asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const path = join(place, decodeURIComponent(new URL(request.url!, 'http://x').pathname));
      asked.push(request.url!);
      readFile(path).then(
        (bytes) => {
          const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
          if (from === undefined) return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
          const end = Math.min(Number(to) + 1, bytes.length);
          return response
            .writeHead(206, { 'content-range': `bytes ${from}-${end - 1}/${bytes.length}`, etag: etag() })
            .end(bytes.subarray(Number(from), end));
        },
        () => response.writeHead(404).end(),
      );
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  test('items and their assets are read as those on disk', async () => {
    const { base } = await serve(() => '"one"');
    const here = (await run({ items: good })).found;
    const there = (await run({ items: `${base}/items.json` })).found;
    expect(there.map(({ raster }) => raster)).toEqual(here.map(({ raster }) => raster));
    expect(there[0]!.frame.locator.uri).toBe(`${base}/S2A_33UUP_20240101_0_L2A/red.tif`);
    await expect(run({ items: `${base}/none.json` })).rejects.toMatchObject({ code: 'E_FILE_MISSING' });
    const missing = await collection([madeItem(0, { assets: { green: { href: 'none.tif' } } })]);
    await expect(run({ items: `${base}/${missing.slice(place.length + 1)}` })).rejects.toMatchObject({
      code: 'E_FILE_MISSING',
      message: expect.stringMatching(/item S2A_33UUP_20240101_0_L2A: http:.*none\.tif/),
    });
  });

  test('items lead to no file of this machine', async () => {
    const { base } = await serve(() => '"one"');
    const secret = join(place, 'S2A_33UUP_20240101_0_L2A/green.tif');
    for (const href of [pathToFileURL(secret).href, secret]) {
      const items = await collection([madeItem(0, { assets: { green: { href } } })]);
      expect((await run({ items })).found).toHaveLength(1);
      await expect(run({ items: `${base}/${items.slice(place.length + 1)}` })).rejects.toMatchObject({
        code: href === secret ? 'E_FILE_MISSING' : 'E_ASSET',
      });
    }
  });

  test('an address that is signed anew is that of the same file', async () => {
    const { base } = await serve(() => '"one"');
    const keys = async (query: string) => {
      const href = `${base}/S2A_33UUP_20240101_0_L2A/red.tif${query}`;
      const items = await collection([madeItem(0, { assets: { red: { href } } })]);
      return (await run({ items, assets: 'red' })).found[0]!.frame.key;
    };
    const signed = await keys('?se=2024-01-01&sig=abcdefgh');
    expect(await keys('?se=2024-01-02&sig=ijklmnop')).toBe(signed);
    expect(await keys('?version=2')).not.toBe(signed);
  });

  test('an asset that becomes another between two reads is refused', async () => {
    let version = 0;
    const { base } = await serve(() => `"${version}"`);
    const options = {
      items: `${base}/items.json`,
      assets: 'red',
      stretch: 'type' as const,
      verify: false,
      cacheBytes: 0,
      spillBytes: 0,
    };
    const frames: Frame[] = [];
    for await (const frame of runStage(stacSource, { options })) frames.push(frame);
    version++;
    // The run has ended: frames open their file anew.
    await expect(frames[0]!.read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
    const reader = frameReader({ registry: createRegistry(stages) });
    await expect(reader.frame(JSON.parse(JSON.stringify(frames[1])) as FrameRecord).read()).rejects.toMatchObject({
      code: 'E_INPUT_CHANGED',
    });
    await reader.close();
  });
});

test('the made scenes are what the tests take them for', () => {
  expect(sceneSize).toEqual({ width: 40, height: 30 });
  expect([valueOf(0, 0, 0, 0), valueOf(0, 0, 36, 0), classOf(0, 3, 4), classOf(0, 2, 4)]).toEqual([1000, 0, 9, 4]);
});
