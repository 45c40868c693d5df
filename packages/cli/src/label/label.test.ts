import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geotiffSource } from '@deepearth/eo/geotiff/source';
import { openBytes } from '@deepearth/eo/raster-bytes';
import { openFile } from '@deepearth/formats/file-source-node';
import { openNpy } from '@deepearth/formats/npy';
import { readTokenFile } from '@deepearth/formats/token-file';
import { runStage } from '@deepearth/runtime/run-stage';
import type { LabelsFile } from '@deepearth/sinks/explorer/label-model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labelCommand } from '../commands/label.ts';
import { exitCodes } from '../exit-codes.ts';
import { exploredRun } from '../testing/explored-run.ts';
import { placed, placedRun } from '../testing/placed-run.ts';

let root = '';
let file = '';
let labels: LabelsFile;
let rows: Float32Array[];
const first = 'north/features_frames_0000_0007.safetensors';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'label-'));
  await exploredRun(join(root, 'run'));
  await exploredRun(join(root, 'bundled'), { bundle: true });
  const source = await openBytes(join(root, 'run/features', first));
  const { values } = await readTokenFile(source);
  await source.close();
  const channels = values.shape[3]!;
  const data = values.data as Float32Array;
  rows = Array.from({ length: data.length / channels }, (_, token) => {
    const row = data.subarray(token * channels, (token + 1) * channels);
    const length = Math.hypot(...row);
    return row.map((value) => value / length);
  });
  const { encoder } = JSON.parse(await readFile(join(root, 'bundled/looks/index.json'), 'utf8')) as LabelsFile;
  // The nearer of two tokens, as scores.
  const weights = [rows[3]!, rows[200]!].map((row) => [...row].map((value) => value * 40));
  labels = { format: 1, encoder, labels: ['sea', 'land, wet'], marks: [], model: { weights, bias: [0, 0] } };
  file = join(root, 'labels.json');
  await writeFile(file, JSON.stringify(labels));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const npy = async (path: string) => {
  const source = await openFile(path);
  const read = await (await openNpy(source)).read();
  await source.close();
  return { shape: read.shape, data: [...(read.data as Float32Array)] };
};
const named = (name: string) =>
  first.replace('features', name).replace('safetensors', 'npy').replace('north/', `${name}/north/`);

test('a run gets labels, their probabilities, maps and shares', async () => {
  expect(await labelCommand(file, [join(root, 'run')], {})).toBe(exitCodes.done);
  const out = join(root, 'run/labels');
  const found = await npy(join(out, named('labels')));
  const shares = await npy(join(out, named('probabilities')));
  expect([found.shape, shares.shape]).toEqual([
    [4, 8, 8, 1],
    [4, 8, 8, 2],
  ]);
  const dot = (a: Float32Array, b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  for (const [token, row] of rows.entries()) {
    const [sea, land] = labels.model!.weights.map((weight) => dot(row, weight)) as [number, number];
    const probability = 1 / (1 + Math.exp(land - sea));
    expect(Number(shares.data[token * 2])).toBeCloseTo(probability, 3);
    if (Math.abs(probability - 0.5) > 1e-3) expect(found.data[token]).toBe(sea > land ? 0 : 1);
  }
  const table = (await readFile(join(out, 'shares.csv'), 'utf8')).split(/\r?\n/);
  expect(table[0]).toContain('labels_sea,"labels_land, wet"');
  expect(table.length - 2).toBe(32);
  expect((await readdir(join(out, 'maps'), { recursive: true })).filter((name) => name.endsWith('.png'))).toHaveLength(
    16,
  );
  // These frames lie nowhere.
  expect(await readdir(out)).not.toContain('rasters');
});

test('a run that kept only what the page needs gets the same labels from it', async () => {
  expect(await labelCommand(file, [join(root, 'bundled')], { output: join(root, 'coded') })).toBe(exitCodes.done);
  const coded = await npy(join(root, 'coded', named('labels')));
  const exact = await npy(join(root, 'run/labels', named('labels')));
  const same = coded.data.filter((value, token) => value === exact.data[token]).length;
  expect(same / coded.data.length).toBeGreaterThan(0.97);
});

test('labels of what has a place become rasters there: a pixel is what a token saw', async () => {
  const run = join(root, 'places');
  await placedRun(run);
  expect(await labelCommand(file, [run], {})).toBe(exitCodes.done);
  const cells = 8;
  const side = placed.edge * placed.metersOfPixel;
  // The encoder saw 128 of 146 pixels, in the middle.
  const [cell, margin] = [(side * 128) / 146 / cells, (side * 9) / 146];
  for (const [tile, name] of placed.tiles.entries()) {
    const files = join(run, 'labels/rasters', name);
    const { data } = await npy(join(run, `labels/labels/${name}/labels_frames_0000_0007.npy`));
    const found: number[] = [];
    for await (const frame of runStage(geotiffSource, {
      options: { files: join(files, 'labels_frames_0000_0007_*.tif'), bands: [1], values: 'stored' },
    })) {
      const { crs, transform } = frame.georeference!;
      const corner = [placed.corner[0] + (tile % 2) * side, placed.corner[1] - Math.floor(tile / 2) * side];
      expect(crs).toBe('EPSG:32633');
      const expected = [cell, 0, corner[0]! + margin, 0, -cell, corner[1]! - margin];
      for (const [i, value] of expected.entries()) expect(transform[i]).toBeCloseTo(value, 6);
      const { values } = await frame.read();
      expect(values.shape).toEqual([cells, cells, 3]);
      for (let token = 0; token < cells * cells; token++) found.push(values.data[token * 3]!);
    }
    expect(found).toEqual(data);
    expect((await readdir(files)).filter((each) => each.startsWith('probabilities'))).toHaveLength(8);
  }
  // The camera is a point, and no raster.
  expect(await readdir(join(run, 'labels/rasters'))).not.toContain('camera');
});

test('labels of another encoder, other files, and two runs in one place are refused', async () => {
  const other = join(root, 'other.json');
  const to = { output: join(root, 'never') };
  await writeFile(other, JSON.stringify({ ...labels, encoder: { name: 'another', fingerprint: 'f'.repeat(64) } }));
  await expect(labelCommand(other, [join(root, 'run')], to)).rejects.toThrow(/labels were made with another \(ffffff/);
  await writeFile(other, JSON.stringify({ ...labels, model: undefined }));
  await expect(labelCommand(other, [join(root, 'run')], to)).rejects.toThrow('holds marks and no model');
  await writeFile(other, '[1');
  await expect(labelCommand(other, [join(root, 'run')], to)).rejects.toThrow('it is no JSON');
  await writeFile(other, JSON.stringify({ ...labels, labels: ['one'] }));
  await expect(labelCommand(other, [join(root, 'run')], to)).rejects.toThrow('its model does not fit its 1 labels');
  await expect(labelCommand(join(root, 'none.json'), [join(root, 'run')], to)).rejects.toThrow('cannot be read');
  await expect(labelCommand(file, [join(root, 'run'), join(root, 'run/')], {})).rejects.toThrow('would both go to');
});
