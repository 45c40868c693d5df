import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Projection, TokenGrid } from '@deepearth/core';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeEmbeddings, makeTokens } from '@deepearth/testing';
import { layout } from '@deepearth/vision/geometry';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGeoTiff } from '../geotiff/open-geotiff.ts';
import { geotiffSink } from '../geotiff/sink.ts';
import type { GridItem } from '../place/grid-item.ts';
import { place, placed, projection, sceneTiles, sceneValue, sceneWindows } from '../testing/placed-grids.ts';
import { geoparquetSink } from './sink.ts';

const tokens = (count = 4) => makeTokens({ count, channels: 5 }).map((item) => placed(item));
const groups = (items: readonly TokenGrid[]): Projection[] =>
  items.map((item) =>
    projection(item, [2, 3, 4, 1], (step, row, column) => (step + row + column) % 5, {
      meaning: 'label',
      limits: [[0, 4]],
      reducer: 'kmeans',
    }),
  );

describeStage(geoparquetSink, {
  inputs: () => [given(tokens())],
  otherOptions: { geometry: 'point', steps: 'mean' },
  broken: {
    inputs: () => [
      given(tokens().map((item, i) => (i === 1 ? { ...item, axes: ['time', 'width', 'height', 'channels'] } : item))),
    ],
    says: /has the axes time, width, height/,
    left: 1,
  },
});

describeStage(geoparquetSink, {
  title: 'of two inputs',
  inputs: () => [given(tokens()), given(groups(tokens()))],
  otherOptions: { steps: 'mean' },
});

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'places-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Table {
  readonly path: string;
  readonly rows: readonly Record<string, any>[];
  readonly geo: { readonly version: string; readonly columns: { readonly geometry: Record<string, any> } };
  readonly texts: Readonly<Record<string, string>>;
}

async function write(
  inputs: readonly (readonly GridItem[])[],
  options: RunStageOptions<typeof geoparquetSink.options>['options'] = {},
) {
  const output = await mkdtemp(join(root, 'run-'));
  const tables: Table[] = [];
  const warnings: string[] = [];
  for await (const file of runStage(geoparquetSink, {
    options,
    inputs: inputs.map((items) => given(items)),
    output,
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  })) {
    const { path } = file as Artifact;
    const bytes = await readFile(join(output, path));
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const texts = Object.fromEntries(
      (parquetMetadata(buffer).key_value_metadata ?? []).map(({ key, value }) => [key, value!]),
    );
    tables.push({
      path,
      rows: await parquetReadObjects({ file: buffer, geoparquet: true }),
      geo: JSON.parse(texts['geo']!) as Table['geo'],
      texts,
    });
  }
  return { tables, warnings };
}
const writeOne = async (...args: Parameters<typeof write>) => {
  const { tables, warnings } = await write(...args);
  expect(tables).toHaveLength(1);
  return { ...tables[0]!, warnings };
};

describe('a row', () => {
  test('says of each token what it is, where and when', async () => {
    const items = makeTokens({ count: 2, time: 2, height: 3, width: 4, channels: 5 }).map((item) =>
      placed(item, ({ number }) => ({ at: `2024-01-${String(number + 1).padStart(2, '0')}T10:00:00Z` })),
    );
    const { path, rows, geo, texts } = await writeOne([items]);
    expect(path).toBe('features.parquet');
    expect(rows).toHaveLength(48);
    const { clip } = items[1]!;
    // The second clip, its second step, row 1, column 2; a made token is 8 pixels of 10 m.
    const [left, top] = [399_960 + 160, 5_300_040 - 80];
    expect(rows[24 + 12 + 4 + 2]).toEqual({
      id: `${clip!.id}_t01_r01_c02`,
      geometry: {
        type: 'Polygon',
        coordinates: [
          [
            [left, top - 80],
            [left + 80, top - 80],
            [left + 80, top],
            [left, top],
            [left, top - 80],
          ],
        ],
      },
      bbox: { xmin: left, ymin: top - 80, xmax: left + 80, ymax: top },
      sequence: clip!.sequence,
      clip: clip!.id,
      step: 1n,
      row: 1n,
      column: 2n,
      time: new Date(clip!.frames[2]!.at!),
      end_time: new Date(clip!.frames[3]!.at!),
      first_frame: BigInt(clip!.frames[2]!.number),
      last_frame: BigInt(clip!.frames[3]!.number),
      valid: 1,
      embedding: [...items[1]!.values.data.slice(18 * 5, 19 * 5)],
    });
    expect(geo).toMatchObject({
      version: '1.1.0',
      primary_column: 'geometry',
      columns: {
        geometry: {
          encoding: 'WKB',
          geometry_types: ['Polygon'],
          crs: { type: 'ProjectedCRS', id: { authority: 'EPSG', code: 32633 } },
          bbox: [399_960, 5_300_040 - 240, 399_960 + 320, 5_300_040],
          orientation: 'counterclockwise',
          covering: { bbox: { xmin: ['bbox', 'xmin'] } },
        },
      },
    });
    expect(JSON.parse(texts['emb']!)).toMatchObject({
      'emb:dimensions': 5,
      'emb:model': items[0]!.encoder.name,
      'emb:column': 'embedding',
      'emb:chip_layout': { chip_size: [8, 8] },
    });
  });

  test('is that of a clip where it has one vector, or the middle of what it saw', async () => {
    const items = makeEmbeddings({ count: 3 }).map((item) => ({
      ...item,
      clip: { ...item.clip!, frames: item.clip!.frames.map((frame) => ({ ...frame, georeference: place })) },
    }));
    const { rows, path } = await writeOne([items], { geometry: 'point' });
    expect(path).toBe('embeddings.parquet');
    expect(rows.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    expect(rows[0]!['geometry']).toEqual({ type: 'Point', coordinates: [400_000, 5_300_000] });
  });

  test('has what other inputs made of the same token; names stay apart', async () => {
    const items = tokens(2);
    const pca = items.map((item) => projection(item, [2, 3, 4, 2], (_, row, __, band) => row + band / 2));
    const vectors = makeEmbeddings({ count: 2 });
    const { rows } = await writeOne([items, [groups(items)[1]!], pca, vectors]);
    expect(rows[30]).toMatchObject({ kmeans: 3n, pca_1: 1, pca_2: 1.5, row: 1n, column: 2n, step: 0n });
    // Nothing was made of the first clip there, and what was made of a whole clip is that of each of its tokens.
    expect(rows[0]).toMatchObject({ pca_1: 0 });
    expect(rows[0]!['kmeans']).toBeNull();
    for (const row of rows.slice(24)) expect(row['input-3']).toEqual([...vectors[1]!.values.data]);
  });

  test('is not there for a token that is masked; a share is that of its pixels', async () => {
    const items = tokens(1).map((item) => ({
      ...item,
      valid: Uint8Array.from({ length: 24 }, (_, token) => (token === 5 ? 0 : token === 6 ? 51 : 255)),
    }));
    const { rows } = await writeOne([items]);
    expect(rows).toHaveLength(23);
    expect(rows[5]).toMatchObject({ column: 2n, row: 1n });
    expect(rows[5]!['valid']).toBeCloseTo(0.2, 6);
    // Half of what a place saw over time.
    const mean = await writeOne([items], { steps: 'mean' });
    expect(mean.rows).toHaveLength(12);
    expect(mean.rows[5]!['valid']).toBeCloseTo(0.5, 6);
    expect(mean.rows[5]!['embedding']).toEqual([...items[0]!.values.data.slice(17 * 5, 18 * 5)]);
  });

  test('of a camera has the point where it stands, in longitude and latitude', async () => {
    const position = { longitude: 13.4, latitude: 52.5 };
    const items = makeTokens({ count: 1 }).map((item) =>
      placed(item, () => ({ georeference: undefined as never, position })),
    );
    const { rows, geo } = await writeOne([items]);
    expect(rows[7]!['geometry']).toEqual({ type: 'Point', coordinates: [13.4, 52.5] });
    expect(geo.columns.geometry).not.toHaveProperty('crs');
    expect(geo.columns.geometry).toMatchObject({ geometry_types: ['Point'], bbox: [13.4, 52.5, 13.4, 52.5] });
  });

  test('of frames that lie nowhere has no geometry', async () => {
    const { rows, geo } = await writeOne([makeTokens({ count: 1 })]);
    expect(rows[0]!['geometry']).toBeNull();
    expect(geo.columns.geometry).toMatchObject({ crs: null, geometry_types: [] });
    expect(geo.columns.geometry).not.toHaveProperty('bbox');
  });
});

describe('a file', () => {
  test('holds one coordinate system: others have a file of their own', async () => {
    const moved = (crs: string, seed: number) =>
      makeTokens({ count: 1, seed, channels: 5 }).map((item) =>
        placed({ ...item, id: `${seed}`, key: `${seed}`.padStart(64, '0') }, () => ({
          georeference: { crs, transform: place.transform },
        })),
      );
    const { tables, warnings } = await write([
      [...tokens(1), ...moved('EPSG:32634', 2), ...moved(place.crs, 3), ...moved('EPSG:2056', 4)],
    ]);
    expect(tables.map(({ path, rows, geo }) => [path, rows.length, geo.columns.geometry['crs']?.id.code])).toEqual([
      ['features.parquet', 48, 32633],
      ['features_EPSG-32634.parquet', 24, 32634],
      ['features_EPSG-2056.parquet', 24, undefined],
    ]);
    expect(tables[2]!.geo.columns.geometry['crs']).toBeNull();
    expect(tables[2]!.texts['crs']).toBe('EPSG:2056');
    expect(warnings.join()).toMatch(/features_EPSG-2056.parquet does not say/);
  });

  test('has rows in groups, whatever their number', async () => {
    const items = makeTokens({ count: 3, time: 2, height: 30, width: 50, channels: 2 }).map((item) => placed(item));
    const { rows } = await writeOne([items]);
    expect(rows).toHaveLength(9000);
    // More rows than a group has.
    expect(rows[8999]!['embedding']).toEqual([...items[2]!.values.data.slice(-2)]);
    expect(rows[5300]!['embedding']).toEqual([...items[1]!.values.data.slice(2300 * 2, 2301 * 2)]);
  });

  test('is refused for inputs whose tokens are not those of the first', async () => {
    const other = makeTokens({ count: 1, height: 2, width: 2, channels: 5 }).map((item) => placed(item));
    await expect(write([tokens(1), other])).rejects.toThrow(/has 2 x 3 x 4 tokens, and what input-1 made/);
    const wide = makeTokens({ count: 2, channels: 6 }).map((item) => placed(item));
    await expect(write([[...tokens(1), wide[1]!]])).rejects.toThrow(/has 6 numbers for each token/);
  });
});

describe('footprints', () => {
  test('are the pixels of sink/geotiff, to a billionth of one, whatever an encoder did to the frame', async () => {
    for (const [fit, width, height] of [
      ['crop', 1100, 731],
      ['pad', 700, 500],
      ['tile', 900, 500],
    ] as const) {
      const { geometry, grid } = layout(width, height, {
        cropSize: 384,
        patchSize: 16,
        resize: { shortestEdge: 438, crop: 384 },
        fit,
      });
      const [made] = makeTokens({ count: 1, time: 1, height: grid.height, width: grid.width, channels: 1 });
      const item = placed({ ...made!, origin: { kind: 'picture', geometry } as never }, () => ({ width, height }));
      const output = await mkdtemp(join(root, 'raster-'));
      const files: Artifact[] = [];
      for await (const file of runStage(geotiffSink, { inputs: [given([item])], output })) files.push(file as Artifact);
      const raster = await openGeoTiff(join(output, files[0]!.path));
      const { bands } = await raster.read();
      await raster.close();
      const { rows, geo } = await writeOne([[item]]);
      expect(rows).toHaveLength(raster.width * raster.height);
      const [a, , c, , e, f] = raster.transform!;
      for (const [pixel, row] of rows.entries()) {
        const [column, line] = [pixel % raster.width, Math.floor(pixel / raster.width)];
        const { xmin, ymin, xmax, ymax } = row['bbox'] as Record<'xmin' | 'ymin' | 'xmax' | 'ymax', number>;
        const off = [
          xmin - (c + a * column),
          xmax - (c + a * (column + 1)),
          ymax - (f + e * line),
          ymin - (f + e * (line + 1)),
        ];
        expect(Math.max(...off.map(Math.abs)) / a).toBeLessThan(1e-9);
        expect(row['embedding']).toEqual([bands[0]![pixel]]);
      }
      for (const [edge, bound] of geo.columns.geometry['bbox'].entries())
        expect(Math.abs(bound - raster.bounds![edge]!) / a).toBeLessThan(1e-9);
    }
  });

  test('run against the clock, also where rows run to the north', async () => {
    const southUp = { crs: place.crs, transform: [10, 0, 399_960, 0, 10, 5_299_800] } as const;
    const [item] = makeTokens({ count: 1, time: 1, height: 2, width: 1, channels: 1 });
    const { rows } = await writeOne([[placed(item!, () => ({ georeference: southUp }))]]);
    const [ring] = rows[0]!['geometry'].coordinates as [number, number][][];
    const area = ring!.slice(1).reduce((sum, [x, y], i) => sum + ring![i]![0] * y - x * ring![i]![1], 0) / 2;
    expect(area).toBeCloseTo(6400, 6);
    // The first row of tokens is the southern one.
    expect(rows[0]!['bbox'].ymin).toBe(5_299_800);
  });

  test('of tiles of a scene are those of the scene', async () => {
    const { rows } = await writeOne([sceneTiles(sceneWindows)], { geometry: 'point' });
    expect(rows).toHaveLength(4 * 64);
    for (const { geometry, pca } of rows) {
      const [x, y] = geometry.coordinates as [number, number];
      expect(pca).toBeCloseTo(sceneValue((x - 399_960) / 10, (5_300_040 - y) / 10), 4);
    }
  });
});
