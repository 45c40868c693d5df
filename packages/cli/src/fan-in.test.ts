import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePipeline, plan, use, type Manifest, type StageUse } from '@deepearth/core';
import { run } from '@deepearth/runtime';
import { mean } from '@deepearth/aggregators/mean';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { kmeansStage } from '@deepearth/reducers/stages/kmeans';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { umapStage } from '@deepearth/reducers/stages/umap';
import { overlay } from '@deepearth/renderers/overlay';
import { gif } from '@deepearth/sinks/gif';
import { packageSink } from '@deepearth/sinks/package';
import { pictures } from '@deepearth/sinks/pictures';
import { table } from '@deepearth/sinks/table';
import { frames } from '@deepearth/sources/frames';
import { sliding } from '@deepearth/windowers/sliding';
import { bytesSource } from '@deepearth/formats/bytes';
import { openZip } from '@deepearth/formats/zip';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { folderWith } from './testing/spawn.ts';

/** `count` pictures of 64 x 48 pixels with a texture that moves. */
async function camera(folder: string, name: string, count: number, seed: number): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  for (let number = 0; number < count; number++) {
    const data = Uint8Array.from(
      { length: 64 * 48 * 3 },
      (_, i) => 128 + 100 * Math.sin(i / (7 + seed) + number * seed),
    );
    await sharp(data, { raw: { width: 64, height: 48, channels: 3 } })
      .png()
      .toFile(join(path, `${number}.png`));
  }
  return path;
}

const encoder = (id: string, from: string | string[]): StageUse => use(vjepa2, { cropSize: 32 }, { id, from });

/** Both reducers over `from`, their models saved, and pictures of one. */
const both = (from: string | string[]): StageUse[] => [
  use(pcaStage, { saveAs: 'pca.safetensors' }, { from }),
  use(umapStage, { saveAs: 'umap.safetensors', epochs: 20 }, { from }),
  use(overlay, {}, { id: 'overlay', from: 'umap' }),
  use(gif, {}, { from: 'overlay' }),
  use(pictures, {}, { from: 'overlay' }),
];

const digests = ({ outputs }: Manifest) => Object.fromEntries(outputs.map(({ path, sha256 }) => [path, sha256]));

describe('two cameras into one fit', () => {
  it('give the models and pictures of one folder with the frames of both, with one encoder or one each', async () => {
    await using folder = await folderWith({});
    const north = await camera(folder.file('cameras'), 'north', 12, 1);
    const south = await camera(folder.file('cameras'), 'south', 8, 2);
    const two = [
      use(frames, { directory: north }, { id: 'north' }),
      use(frames, { directory: south }, { id: 'south' }),
    ];
    const ways = {
      whole: [
        use(frames, { directory: folder.file('cameras'), recursive: true }),
        use(sliding, { size: 4 }),
        encoder('tokens', 'sliding'),
        ...both('tokens'),
      ],
      shared: [
        ...two,
        use(sliding, { size: 4 }, { from: ['north', 'south'] }),
        encoder('tokens', 'sliding'),
        ...both('tokens'),
      ],
      'shared encoder': [
        ...two,
        use(sliding, { size: 4 }, { id: 'north-clips', from: 'north' }),
        use(sliding, { size: 4 }, { id: 'south-clips', from: 'south' }),
        encoder('tokens', ['north-clips', 'south-clips']),
        ...both('tokens'),
      ],
      'one each': [
        ...two,
        use(sliding, { size: 4 }, { id: 'north-clips', from: 'north' }),
        encoder('north-tokens', 'north-clips'),
        use(sliding, { size: 4 }, { id: 'south-clips', from: 'south' }),
        encoder('south-tokens', 'south-clips'),
        ...both(['north-tokens', 'south-tokens']),
      ],
    };
    const made: Record<string, Manifest> = {};
    for (const [name, stages] of Object.entries(ways))
      made[name] = (await run(definePipeline(stages), { output: folder.file(name) }).result).manifest;
    const whole = digests(made['whole']!);
    expect(Object.keys(whole)).toEqual(
      expect.arrayContaining([
        'gif/north/umap-overlay.gif',
        'gif/south/umap-overlay.gif',
        'pca.safetensors',
        'pictures/umap-overlay/north/frame_000011.png',
        'pictures/umap-overlay/south/frame_000007.png',
        'umap.safetensors',
      ]),
    );
    for (const name of ['shared', 'shared encoder', 'one each']) expect(digests(made[name]!), name).toEqual(whole);
    expect(made['whole']!.frames!.map(({ stage, sequence, count }) => [stage, sequence, count])).toEqual([
      ['frames', 'north', 12],
      ['frames', 'south', 8],
    ]);
    expect(made['one each']!.frames!.map(({ stage, sequence, count }) => [stage, sequence, count])).toEqual([
      ['north', 'north', 12],
      ['south', 'south', 8],
    ]);
  }, 120_000);

  it('become one table of clips, one map of them, and a zip that says what it holds', async () => {
    await using folder = await folderWith({});
    const north = await camera(folder.path, 'north', 12, 1);
    const south = await camera(folder.path, 'south', 8, 2);
    const { manifest } = await run(
      definePipeline([
        use(frames, { directory: north }, { id: 'north' }),
        use(frames, { directory: south }, { id: 'south' }),
        use(sliding, { size: 4 }, { from: ['north', 'south'] }),
        encoder('tokens', 'sliding'),
        use(mean, {}, { from: 'tokens' }),
        use(table, {}, { id: 'clips', from: 'mean' }),
        use(umapStage, { components: 2 }, { from: 'mean' }),
        use(table, { format: 'npy' }, { id: 'map', from: 'umap' }),
        use(pcaStage, { components: 2 }, { from: 'mean' }),
        use(kmeansStage, { clusters: 3 }, { from: 'tokens' }),
        use(table, {}, { id: 'shares', from: 'kmeans' }),
        use(packageSink, {}, { id: 'zip', from: ['clips', 'map', 'shares'] }),
      ]),
      { output: folder.file('out') },
    ).result;
    const lines = async (name: string) =>
      (await readFile(join(folder.file('out'), name), 'utf8')).trimEnd().split('\n');
    const clips = await lines('embeddings.csv');
    expect(clips.slice(1).map((line) => line.split(',').slice(0, 4).join())).toEqual([
      'north/clip-000000,north,0,3',
      'north/clip-000001,north,4,7',
      'north/clip-000002,north,8,11',
      'south/clip-000000,south,0,3',
      'south/clip-000001,south,4,7',
    ]);
    expect((await lines('umap.csv')).map((line) => line.split(',')[0])).toEqual(
      clips.map((line) => line.split(',')[0]),
    );
    const shares = (await lines('kmeans-shares.csv')).slice(1).map((line) => line.split(',').map(Number));
    expect(shares).toHaveLength(20);
    for (const row of shares) expect(row.slice(-3).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    const findings = Object.fromEntries(manifest.stages.map(({ id, findings: found = {} }) => [id, found]));
    expect(findings['pca']!['tokens']).toBe(5);
    expect(findings['pca']!['explainedVarianceRatio']).toHaveLength(2);
    expect(findings['umap']).toMatchObject({ tokens: 5, fittedTokens: 5, epochs: 200, neighborRecall: 1 });
    const sizes = findings['kmeans']!['clusterSizes'] as number[];
    expect(sizes).toHaveLength(3);
    // A share of a frame counts the tokens of its step of time, which two frames have in common.
    const counted = [0, 1, 2].map((cluster) =>
      shares.reduce((sum, row) => sum + (row.at(-4)! * row[7 + cluster]!) / 2, 0),
    );
    expect(counted.map(Math.round)).toEqual(sizes);
    const zip = await openZip(bytesSource(new Uint8Array(await readFile(join(folder.file('out'), 'package.zip')))));
    const textOf = async (name: string) => new TextDecoder().decode(await zip.entries.get(name)!.read());
    const readme = await textOf('README.txt');
    expect(readme).toContain('north, sequence north: 12 frames, numbers 0 to 11');
    expect(readme).toMatch(/tokens \(encoder\/vjepa2\): .*builtin.*, fp32/);
    expect(readme).toMatch(
      /kmeans \(reducer\/kmeans\): 1 component, of 40 tokens, tokens of each cluster \d+, \d+, \d+/,
    );
    expect(readme).toMatch(/^umap\.npy: umap projection \[row 5, components 2\] float32, \d+ bytes$/m);
    const inside = JSON.parse(await textOf('manifest.json')) as Manifest;
    expect(inside.status).toBe('unfinished');
    expect(inside.stages.map(({ id }) => id)).not.toContain('pca');
    expect(inside.frames).toEqual(manifest.frames);
  }, 120_000);

  it('that differ are refused before anything runs, and what differs is said', async () => {
    const pair = (from: string[], ...stages: StageUse[]) =>
      plan(
        definePipeline([
          use(frames, { directory: 'a' }, { id: 'a' }),
          use(frames, { directory: 'b' }, { id: 'b' }),
          use(sliding, { size: 4 }, { id: 'fours', from: 'a' }),
          use(sliding, { size: 8 }, { id: 'eights', from: 'b' }),
          use(sliding, { size: 4 }, { id: 'again', from: 'a' }),
          ...stages,
          encoder('tokens', from),
        ]),
        { survey: false },
      );
    await expect(pair(['fours', 'eights'])).rejects.toThrow(
      'fours and eights cannot be taken together: time differs (4 and 8).',
    );
    await expect(pair(['fours', 'again'])).rejects.toThrow('fours and again both send the sequence "a".');
    await expect(pair(['fours', 'a'])).rejects.toThrow('they are of different kinds (clip and frame)');
  });

  it('of embeddings cannot be drawn: a renderer says where they go', async () => {
    const drawn = plan(
      definePipeline([
        use(frames, { directory: 'a' }),
        use(sliding, { size: 4 }),
        encoder('tokens', 'sliding'),
        use(mean),
        use(pcaStage),
        use(overlay),
      ]),
      { survey: false },
    );
    await expect(drawn).rejects.toThrow(
      'this renderer draws projections of [time, height, width, components], not of [components]. What has no height and width goes to files: sink/table or sink/features.',
    );
  });
});
