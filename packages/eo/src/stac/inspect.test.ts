import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesSource } from '@deepearth/formats/bytes';
import { openFile } from '@deepearth/formats/file-source-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectEarth, type InspectEarthOptions } from '../inspect.ts';
import { madeItem, writeCollection, writeItemScenes } from '../testing/make-stac.ts';

let place = '';
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'stac-inspect-'));
  await writeItemScenes(place, 0);
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function inspect(items: readonly unknown[], options: InspectEarthOptions = {}) {
  const path = await writeCollection(place, items);
  const source = await openFile(path);
  try {
    return (await inspectEarth(path, source, options))!;
  } finally {
    await source.close();
  }
}

describe('what a STAC document holds', () => {
  test('is told as JSON and for people', async () => {
    const { json, text } = await inspect([
      madeItem(2),
      madeItem(0, { bbox: [13, 47, 100, 14, 48.5, 900] }),
      madeItem(1, { properties: { datetime: null }, assets: { visual: { href: 'https://example.org/v.tif' } } }),
    ]);
    expect(json).toMatchObject({
      kind: 'stac',
      type: 'ItemCollection',
      stac_version: '1.0.0',
      items: 3,
      collections: { 'sentinel-2-l2a': 3 },
      tiles: { 'MGRS-33UUP': 3 },
      times: ['2024-01-01T10:17:31.024Z', '2024-01-03T10:17:31.024Z'],
      untimed: 1,
      bounds_epsg4326: [13, 47, 14, 48.5],
      cloud_cover: [0, 20],
      assets: {
        red: { items: 3, roles: ['data'], bands: [{ nodata: 0 }], href: './S2A_33UUP_20240103_0_L2A/red.tif' },
        visual: { items: 1, type: null, href: 'https://example.org/v.tif' },
      },
    });
    expect(text.split('\n')).toEqual([
      'STAC 1.0.0 ItemCollection, 3 items',
      'collections  sentinel-2-l2a (3)',
      'tiles        MGRS-33UUP (3)',
      'times        2024-01-01T10:17:31.024Z to 2024-01-03T10:17:31.024Z (2 times)',
      'without time 1',
      'bounds       13, 47, 14, 48.5 (degrees)',
      'clouds       0 to 20 %',
      'assets',
      ...['red', 'green', 'blue', 'nir', 'scl'].map(
        (key) => `  ${key}  image/tiff; application=geotiff; profile=cloud-optimized, data, nodata 0`,
      ),
      '  visual  no media type (1 item)',
    ]);
  });

  test('has the end of the last period, where items stand for periods', async () => {
    const month = (start: string, end: string) =>
      madeItem(0, { id: start, properties: { datetime: null, start_datetime: start, end_datetime: end } });
    const { json, text } = await inspect([
      month('2024-02-01T00:00:00Z', '2024-02-29T23:59:59Z'),
      month('2024-03-01T00:00:00Z', '2024-03-31T23:59:59Z'),
    ]);
    expect(json).toMatchObject({
      times: ['2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
      until: '2024-03-31T23:59:59Z',
    });
    expect(text).toContain('2024-02-01T00:00:00Z to 2024-03-01T00:00:00Z (2 times), until 2024-03-31T23:59:59Z');
  });

  test('is cut short for people where there is very much of it', async () => {
    const item = (date: number) =>
      madeItem(0, { id: `item-${date}`, assets: { [`asset-${date}`]: { href: 'x.tif' } } });
    const { json, text } = await inspect(Array.from({ length: 50 }, (_, date) => item(date)));
    expect(Object.keys(json['assets'] as object)).toHaveLength(55);
    const lines = text.split('\n');
    expect(lines.at(-1)).toBe('… (55)');
    expect(lines.indexOf('assets')).toBe(lines.length - 42);
    expect(text).toContain('clouds       0 %');
  });

  test('may lie across 180 degrees', async () => {
    const boxes = [
      [178, -20, 179.5, -19],
      [179, -21, -179, -19],
      [-179.5, -20, -178, -18],
    ];
    const { json } = await inspect(boxes.map((bbox, date) => madeItem(date, { bbox })));
    expect(json['bounds_epsg4326']).toEqual([178, -21, -178, -18]);
  });

  test('is drawn of what shows a picture', async () => {
    const { quicklook } = await inspect([madeItem(0)], { quicklook: true });
    expect(quicklook!.pixels.shape).toEqual([30, 40, 4]);
    expect(quicklook!.json).toMatchObject({ item: 'S2A_33UUP_20240101_0_L2A', assets: ['red', 'green', 'blue'] });
    expect(quicklook!.text).toContain('item S2A_33UUP_20240101_0_L2A, bands 1 (red), 2 (green), 3 (blue)');
    const { red } = madeItem(0)['assets'] as { [key: string]: object };
    const one = await inspect([{ ...madeItem(0), assets: { B04: red } }], { quicklook: true });
    expect(one.quicklook!.json).toMatchObject({ assets: ['B04'] });
    await expect(inspect([{ ...madeItem(0), assets: {} }], { quicklook: true })).rejects.toMatchObject({
      code: 'E_ASSET',
    });
    await expect(inspect([], { quicklook: true })).rejects.toMatchObject({ code: 'E_NO_FRAMES' });
  });

  test('is nothing for a document of another kind, and for a file of tensors whose length begins alike', async () => {
    const path = join(place, 'other.json');
    await writeFile(path, '\n{ "stages": [] }');
    const source = await openFile(path);
    await expect(inspectEarth(path, source)).rejects.toMatchObject({ code: 'E_STAC' });
    await source.close();
    expect(
      await inspectEarth('x.safetensors', bytesSource(Uint8Array.of(0x7b, 0x22, 0, 0, 0, 0, 0, 0), 'x')),
    ).toBeUndefined();
    await expect(inspect([madeItem(0)], { variable: 'red' })).rejects.toMatchObject({ code: 'E_VARIABLE' });
  });
});
