import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spec, tensor, type Embedding, type Item, type Projection } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { bytesSource } from '@deepearth/formats/bytes';
import { openNpy } from '@deepearth/formats/npy';
import { describeStage, given, makeEmbeddings, makeFrames, makeProjections } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { table } from './table.ts';

describeStage(table, {
  options: { format: 'csv' },
  otherOptions: { format: 'npy' },
  inputs: () => [given(makeEmbeddings({ channels: 4, count: 3 }))],
});

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'table-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(items: readonly Item[], options: object = {}, onError?: 'skip') {
  const output = await mkdtemp(join(folder, 'run-'));
  const files: Record<string, Uint8Array> = {};
  const found = runStage(table, { options, inputs: [given(items)], output, ...(onError && { onError }) });
  for await (const { path } of found) files[path] = new Uint8Array(await readFile(join(output, path)));
  return files;
}

const text = (bytes: Uint8Array | undefined): string[] => new TextDecoder().decode(bytes).trimEnd().split('\n');

/** Rows of a Parquet file as another program's library reads them. */
async function parquet(bytes: Uint8Array | undefined) {
  const { parquetReadObjects } = await import('hyparquet');
  const { buffer, byteOffset, byteLength } = bytes!;
  return parquetReadObjects({ file: (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength) });
}

/** Embeddings of clips with files that need quotes, and times. */
const embeddings = (count: number, channels = 4): Embedding[] =>
  makeEmbeddings({ count, channels }).map((item) => ({
    ...item,
    clip: {
      ...item.clip!,
      frames: item.clip!.frames.map((frame) => ({
        ...frame,
        at: new Date(frame.number * 1000).toISOString(),
        locator: { source: 'source/frames', uri: `a "b", ${frame.number}.png` },
      })),
    },
  }));

describe('embeddings', () => {
  const items = embeddings(3);
  const { frames } = items[1]!.clip!;
  const [first, last] = [frames[0]!, frames.at(-1)!];

  test('as CSV: names, frames, files and times of a clip, and its values to the last bit', async () => {
    const lines = text((await write(items))['embeddings.csv']);
    expect(lines[0]).toBe(
      'id,sequence,first_frame,last_frame,first_file,last_file,first_time,last_time,first_seconds,last_seconds,embedding_0,embedding_1,embedding_2,embedding_3',
    );
    expect(lines).toHaveLength(4);
    expect(lines[2]).toContain(
      `clip-000001,made,${first.number},${last.number},"a ""b"", ${first.number}.png","a ""b"", ${last.number}.png",${first.at},${last.at},`,
    );
    const values = lines[2]!.split(',').slice(-4).map(Number);
    expect(Float32Array.from(values)).toEqual(items[1]!.values.data);
  });

  test('as Parquet: typed columns and a list of floats, which hyparquet reads back', async () => {
    const rows = await parquet((await write(items, { format: 'parquet', name: 'clips' }))['clips.parquet']);
    expect(rows).toHaveLength(3);
    expect(rows[1]).toEqual({
      id: 'clip-000001',
      sequence: 'made',
      first_frame: BigInt(first.number),
      last_frame: BigInt(last.number),
      first_file: first.locator.uri,
      last_file: last.locator.uri,
      first_time: first.at,
      last_time: last.at,
      first_seconds: first.seconds,
      last_seconds: last.seconds,
      embedding: [...items[1]!.values.data],
    });
  });

  test('as .npy: the numbers, and the names of the rows beside them', async () => {
    const files = await write(items, { format: 'npy' });
    expect(Object.keys(files)).toEqual(['embeddings.npy', 'embeddings.csv']);
    const array = await openNpy(bytesSource(files['embeddings.npy']!));
    expect(array.shape).toEqual([3, 4]);
    expect((await array.read()).data).toEqual(Float32Array.from(items.flatMap(({ values }) => [...values.data])));
    expect(text(files['embeddings.csv'])[0]).toMatch(/last_seconds$/);
  });

  test('of many rows fill several row groups, all of them there', async () => {
    const one = makeEmbeddings({ count: 1, channels: 2 })[0]!;
    const many = Array.from({ length: 20_000 }, (_, index): Embedding => ({
      ...one,
      id: `clip-${index}`,
      key: String(index),
      values: tensor('float32', [2], Float32Array.of(index, -index)),
    }));
    const rows = await parquet((await write(many, { format: 'parquet' }))['embeddings.parquet']);
    expect(rows.map(({ id }) => id as string)).toEqual(many.map(({ id }) => id));
    expect(rows[19_999]!['embedding']).toEqual([19_999, -19_999]);
  });

  test('without a clip have a name and values alone; several axes are in the names of the columns', async () => {
    const { clip: _, ...one } = makeEmbeddings({ count: 1, channels: 4 })[0]!;
    const item: Embedding = {
      ...one,
      axes: ['region', 'channels'],
      values: tensor('float32', [2, 2], one.values.data),
    };
    const lines = text((await write([item]))['embeddings.csv']);
    expect(lines[0]!.split(',').slice(-4)).toEqual([
      'embedding_0_0',
      'embedding_0_1',
      'embedding_1_0',
      'embedding_1_1',
    ]);
    expect(lines[1]!.split(',').slice(0, 10)).toEqual(['clip-000000', ...Array<string>(9).fill('')]);
  });

  test('of another shape than the first are an error, or left out', async () => {
    const odd = [...makeEmbeddings({ count: 2, channels: 4 }), ...makeEmbeddings({ count: 1, channels: 5 })];
    await expect(write(odd)).rejects.toThrow(
      'is an embedding [channels 5], the first of the table, clip-000000, is an embedding [channels 4].',
    );
    expect(text((await write(odd, {}, 'skip'))['embeddings.csv'])).toHaveLength(3);
  });
});

describe('projections', () => {
  test('of embeddings are one row each, with a column per component', async () => {
    const items = makeProjections({ time: 1, height: 1, width: 1, components: 3, count: 2 }).map(
      (item): Projection => ({
        ...item,
        axes: ['components'],
        values: tensor('float32', [3], item.values.data),
        reducer: 'umap',
      }),
    );
    const files = await write(items);
    expect(text(files['umap.csv'])[0]!.split(',').slice(-3)).toEqual(['umap_0', 'umap_1', 'umap_2']);
    const rows = await parquet((await write(items, { format: 'parquet' }))['umap.parquet']);
    expect(rows.map((row) => [row['umap_0'], row['umap_2']])).toEqual(
      items.map(({ values }) => [values.data[0], values.data[2]]),
    );
  });

  /** Labels of 2 steps of 2 x 2 tokens over 4 frames, clips two frames apart. */
  const labels = (values: readonly number[], first: number, id: string): Projection => ({
    ...makeProjections({ time: 2, height: 2, width: 2, components: 1, count: 1 })[0]!,
    id,
    key: id,
    values: tensor('float32', [2, 2, 2, 1], Float32Array.from(values)),
    meaning: 'label',
    limits: [[0, 2]],
    reducer: 'kmeans',
    clip: { kind: 'clip', id, key: id, sequence: 'made', index: 0, frames: makeFrames(4, { first }), padded: 0 },
  });

  test('that are labels: the share of each cluster in every frame, each frame once, tokens without data left out', async () => {
    const items = [labels([0, 0, 1, 2, 0, 0, 0, 1], 0, 'clip-0'), labels([2, 2, 2, 2, NaN, NaN, NaN, 1], 2, 'clip-1')];
    const rows = await parquet((await write(items, { format: 'parquet' }))['kmeans-shares.parquet']);
    const shares = rows.map((row) => [
      row['frame'],
      row['tokens'],
      row['cluster_0'],
      row['cluster_1'],
      row['cluster_2'],
    ]);
    expect(shares).toEqual([
      [0n, 4n, 0.5, 0.25, 0.25],
      [1n, 4n, 0.5, 0.25, 0.25],
      [2n, 4n, 0.75, 0.25, 0],
      [3n, 4n, 0.75, 0.25, 0],
      [4n, 1n, 0, 1, 0],
      [5n, 1n, 0, 1, 0],
    ]);
  });

  test('that are one number per token: the mean of every frame', async () => {
    const item: Projection = {
      ...labels([1, 2, 3, 4, 0, 0, 0, 2], 0, 'clip-0'),
      meaning: 'scalar',
      reducer: 'likeness',
    };
    const lines = text((await write([item]))['likeness-means.csv']);
    expect(lines[0]).toMatch(/tokens,likeness_mean$/);
    expect(lines.slice(1).map((line) => line.split(',').slice(-2))).toEqual([
      ['4', '2.5'],
      ['4', '2.5'],
      ['4', '0.5'],
      ['4', '0.5'],
    ]);
  });

  test('of whole grids in several coordinates are refused, by plan and by run', async () => {
    const grid = spec('projection', { time: 2, height: 3, width: 4, components: 3 }, 'float32', 1);
    expect(await describeAlone(table, { inputs: [grid] })).toMatchObject({
      refused: 'a table has one row for each item, and these have 3 coordinates for each of many tokens.',
    });
    const found = runStage(table, { inputs: [given(makeProjections({ count: 1 }), spec('projection', {}, null))] });
    await expect(found.next()).rejects.toThrow('too many for one row of a table');
  });
});

test('tokens are refused, with a way', async () => {
  const tokens = spec('tokens', { time: 2, height: 2, width: 2, channels: 4 }, 'float32', 1);
  expect(await describeAlone(table, { inputs: [tokens] })).toMatchObject({
    refused: 'sink/table takes embeddings or projections, not tokens.',
    remedy: 'Put an aggregator between, aggregator/mean; sink/features writes tokens.',
  });
});
