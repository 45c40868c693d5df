import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@deepearth/core';
import { afterAll, expect, test } from 'vitest';
import { deepearth, node, runTo } from './testing/run-example.ts';

const folder = mkdtempSync(join(tmpdir(), 'examples-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an example the way a user does, and returns what it left. */
const run = (name: string, ...args: string[]) => runTo(join(folder, name.replaceAll('/', '-')), name, ...args);

const pipelines = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);

test('every example is valid', async () => {
  expect(pipelines.length).toBeGreaterThanOrEqual(5);
  await deepearth('validate', ...pipelines.map((name) => `examples/${name}`));
});

test('the demo leaves features, pictures in two colourings, GIFs and a zip, and says where', async () => {
  const { manifest, files, output } = await run('demo.yaml', '--set', 'frames.with.count=16');
  expect(manifest.status).toBe('done');
  expect(files).toContain('features/features_frames_0000_0015.safetensors');
  expect(files).toContain('pictures/umap-stacked/frame_000015.png');
  expect(files).toContain('pictures/pca-overlay/frame_000000.png');
  expect(files.filter((path) => path.endsWith('.gif'))).toEqual([
    'gif/pca-overlay.gif',
    'gif/umap-overlay.gif',
    'gif/umap-stacked.gif',
  ]);
  expect(existsSync(join(output, 'demo.zip'))).toBe(true);
});

/** The overlays of a run, by path, with their digests. */
const overlaysOf = ({ outputs }: Manifest) =>
  Object.fromEntries(
    outputs
      .filter(({ path }) => /^pictures\/(pca|umap)-overlay\//.test(path))
      .map(({ path, sha256 }) => [path, sha256]),
  );

test.each([
  ['source/synthetic', 'demo.yaml', 'safetensors'],
  ['source/frames', 'frames-to-package.yaml', 'pt'],
])(
  'overlays from stored features alone are those of the run that stored them: %s, %s, %s',
  async (source, name, format) => {
    const pictures = join(folder, 'demo.yaml', 'pictures/pca-overlay');
    const frames = source === 'source/frames' ? `frames.with.directory=${pictures}` : 'frames.with.count=32';
    const output = join(folder, `stored-${name}-${format}`);
    const made = await runTo(output, name, '--set', frames, '--set', `features.with.format=${format}`);
    const path = join(output, 'features');
    const drawn = await runTo(`${output}-drawn`, 'overlays-from-features.yaml', '--set', `tokens.with.path=${path}`);
    expect(drawn.manifest.status).toBe('done');
    expect(Object.keys(overlaysOf(drawn.manifest))).toHaveLength(source === 'source/frames' ? 32 : 64);
    expect(overlaysOf(drawn.manifest)).toEqual(overlaysOf(made.manifest));
  },
);

test('one’s own frames may come from anywhere: frames that another run wrote', async () => {
  const made = join(folder, 'demo.yaml', 'pictures/pca-overlay');
  const { files } = await run('frames-to-package.yaml', '--set', `frames.with.directory=${made}`, '--overwrite');
  expect(files).toContain('features/features_frames_0000_0015.safetensors');
});

test('frames and two colourings of their tokens stand side by side', async () => {
  const { files } = await run('panels.yaml', '--set', 'tokens.with.scale=1');
  expect(files).toHaveLength(16);
  expect(files[0]).toBe('pictures/panels/frame_000000.png');
});

test('tiles of a scene are sequences of their own, drawn frame by frame', async () => {
  const { files, manifest } = await run('tiles.yaml', '--set', 'tokens.with.cropSize=64');
  const tiles = [0, 1].flatMap((row) => [0, 1, 2].map((column) => `scene/r0${row}c0${column}`));
  const overlays = manifest.outputs.filter(({ about }) => about?.layer === 'pca-overlay');
  expect([...new Set(overlays.map(({ about }) => about!.sequence!))].sort()).toEqual(tiles);
  expect(overlays).toHaveLength(16 * tiles.length);
  expect(files).toContain('pictures/pca-overlay/scene/r01c02/frame_000015.png');
  expect(files.filter((path) => path.includes('-sheet/'))).toEqual(
    tiles.map((tile) => `pictures/pca-overlay-sheet/${tile}/frame_000000.png`),
  );
});

test('one animation four ways, each frame once although clips overlap', async () => {
  const { files, manifest } = await run('videos.yaml');
  expect(files.filter((path) => /stacked\.(mp4|webp|png|gif)$/.test(path))).toEqual([
    'apng/pca-stacked.png',
    'gif/pca-stacked.gif',
    'video/pca-stacked.mp4',
    'webp/pca-stacked.webp',
  ]);
  for (const { about } of manifest.outputs) expect(about!.frames).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(manifest.stages.find(({ id }) => id === 'mp4')!.findings).toEqual({
    encoder: 'the embedded H.264 encoder (h264-mp4-encoder 1.0.12)',
  });
});

test('tokens are drawn as points in the colours of groups, as PNG and SVG, and their change as a timeline', async () => {
  const { files, output } = await run('points.yaml');
  expect(files.filter((path) => /\.(png|svg)$/.test(path))).toEqual([
    'drawings/umap-scatter/frame_000000.svg',
    'pictures/pca-timeline/frame_000000.png',
    'pictures/umap-scatter/frame_000000.png',
  ]);
  const svg = readFileSync(join(output, files[0]!), 'utf8');
  expect(svg).toContain('<title>synthetic: umap-scatter</title>');
  // The colours of groups 0 and 3.
  for (const color of ['#1f77b4', '#d62728']) expect(svg).toContain(`<path stroke="${color}"`);
});

test('a season of satellite scenes becomes maps, a cube and a table of the same places', async () => {
  const scenes = join(folder, 'satellite-scenes');
  await node('examples/satellite-clusters/make-scenes.mjs', scenes);
  const { files, manifest, output } = await run(
    'satellite-clusters/pipeline.yaml',
    '--set',
    `scenes.with.files=${scenes}`,
  );
  expect(manifest.status).toBe('done');
  expect(files.filter((path) => !path.includes('/cube.zarr/'))).toEqual([
    'places.parquet',
    'rasters/satellite-scenes/kmeans_frames_0000_0015.tif',
    'rasters/satellite-scenes/pca_frames_0000_0015.tif',
  ]);
  const inspect = async (path: string) =>
    JSON.parse((await deepearth('inspect', join(output, path), '--json')).stdout) as Record<string, any>;
  const raster = await inspect('rasters/satellite-scenes/kmeans_frames_0000_0015.tif');
  const cube = await inspect('satellite-scenes/cube.zarr');
  expect(raster).toMatchObject({ crs: { epsg: 32633 }, geotransform: [399_960, 160, 0, 5_300_040, 0, -160] });
  expect(cube['grid']).toMatchObject({
    crs: raster['crs'],
    geotransform: raster['geotransform'],
    bounds: raster['bounds'],
  });
  expect(Object.keys(cube['arrays'] as object)).toEqual(expect.arrayContaining(['kmeans', 'pca', 'time']));
});

test('a weather model becomes a stacked animation, cold air on top', async () => {
  const path = join(folder, 'weather.nc');
  await node('examples/weather-model/make-weather.mjs', path);
  const { files, manifest } = await run(
    'weather-model/pipeline.yaml',
    '--set',
    `forecast.with.path=${path}`,
    '--set',
    'tokens.with.cropSize=64',
  );
  expect(files).toEqual(['gif/pca-stacked.gif', 'video/pca-stacked.mp4']);
  const { findings } = manifest.stages.find(({ id }) => id === 'forecast')!;
  const { range } = findings!['stretch'] as { range: [number, number] };
  // Kelvin: values are unpacked before they are stretched.
  expect(range[0]).toBeGreaterThan(250);
  expect(range[1]).toBeLessThan(310);
  expect(manifest.frames).toMatchObject([{ sequence: 'weather', count: 32 }]);
});

test('a search of a STAC catalog becomes a map of clusters, without its cloudy dates, described by an item', async () => {
  const scenes = join(folder, 'satellite-stac');
  await node('examples/satellite-clusters/make-stac.mjs', scenes, '10');
  const { files, manifest, output } = await run(
    'satellite-clusters/stac.yaml',
    '--set',
    `scenes.with.items=${join(scenes, 'items.json')}`,
  );
  const name = 'rasters/MGRS-33UUP/kmeans_frames_0000_0007';
  expect(files).toEqual([`${name}.json`, `${name}.tif`]);
  // One of ten dates has more than 20 % clouds; six tiles of 256 pixels cover 480 x 384.
  expect(manifest.stages.find(({ id }) => id === 'scenes')!.out).toBe(9 * 6);
  const { stdout } = await deepearth('inspect', join(output, `${name}.tif`), '--json');
  const raster = JSON.parse(stdout) as { geotransform: number[]; shape: number[]; bounds_epsg4326: number[] };
  expect(raster).toMatchObject({ geotransform: [399_960, 160, 0, 5_300_040, 0, -160], shape: [1, 24, 30] });
  const item = JSON.parse(readFileSync(join(output, `${name}.json`), 'utf8')) as { bbox: number[] };
  expect(item).toMatchObject({
    bbox: raster.bounds_epsg4326,
    properties: { start_datetime: '2024-03-03T10:17:31Z', 'proj:code': 'EPSG:32633' },
    assets: { data: { href: './kmeans_frames_0000_0007.tif', data_type: 'uint8' } },
  });
});

test('two cameras share one fit and keep their pictures apart', async () => {
  const { files, manifest } = await run('two-cameras.yaml');
  expect(files.filter((path) => path.endsWith('.gif'))).toEqual([
    'gif/north/pca-overlay.gif',
    'gif/south/pca-overlay.gif',
  ]);
  expect(files).toContain('pictures/pca-overlay/south/frame_000015.png');
  expect(manifest.frames!.map(({ sequence, count }) => [sequence, count])).toEqual([
    ['north', 16],
    ['south', 16],
  ]);
  expect(manifest.stages.find(({ id }) => id === 'pca')!.findings!['tokens']).toBe(4 * 4 * 8 * 8);
});

test('a run becomes tables: clips, a map of them, shares of clusters per frame', async () => {
  const { files, output } = await run('clips-to-tables.yaml');
  expect(files).toEqual(['embeddings.parquet', 'kmeans-shares.csv', 'package.zip', 'umap.csv']);
  const rows = (name: string) => readFileSync(join(output, name), 'utf8').trimEnd().split('\n').slice(1);
  expect(rows('umap.csv')).toHaveLength(15);
  expect(rows('kmeans-shares.csv')).toHaveLength(64);
});

test('notes and frames become embeddings in one graph', async () => {
  const { files, manifest } = await run('field-notes/pipeline.yaml');
  const embeddings = manifest.outputs.filter(({ about }) => about?.kind === 'embedding');
  expect(embeddings.map(({ path }) => path)).toEqual([
    ...Array.from({ length: 12 }, (_, i) => `embeddings/embeddings_note-${String(i + 1).padStart(4, '0')}.safetensors`),
    'embeddings/synthetic/embeddings_frames_0000_0015.safetensors',
    'embeddings/synthetic/embeddings_frames_0016_0031.safetensors',
  ]);
  expect(embeddings[2]!.about).toMatchObject({ axes: { channels: 128 } });
  expect(embeddings.at(-1)!.about).toMatchObject({ sequence: 'synthetic', clip: 'synthetic/clip-000001' });
  expect(files).toContain('package.zip');
});

test('V-JEPA 2 and a DINO encoder stand side by side', async () => {
  const fixture = 'packages/model-dinov3/fixtures/v3';
  const { files, manifest } = await run('two-encoders.yaml', '--set', `dino.with.model=${fixture}`);
  expect(manifest.status).toBe('done');
  expect(files).toHaveLength(16);
  expect(files[0]).toBe('pictures/panels/frame_000000.png');
  const read = manifest.inputs.map(({ path }) => path);
  for (const file of ['model.safetensors', 'config.json', 'preprocessor_config.json'])
    expect(read.filter((path) => path.endsWith(`model-dinov3/fixtures/v3/${file}`))).toHaveLength(1);
});

test('a reducer of one’s own colours an overlay', async () => {
  const { files } = await run('own-reducer/pipeline.yaml');
  expect(files).toEqual(['gif/novelty-overlay.gif']);
});

test('an encoder of one’s own feeds a reducer that knows nothing of it', async () => {
  const { files } = await run('own-encoder/pipeline.yaml');
  expect(files).toEqual([
    'features/features_frames_0000_0007.safetensors',
    'features/features_frames_0008_0015.safetensors',
    'gif/pca-stacked.gif',
    'package.zip',
  ]);
});

test('a list of a camera trap gives a clip and an animation for each visit', async () => {
  const trap = join(folder, 'trap');
  await node('examples/camera-list/make.mjs', trap);
  const { files, manifest, output } = await run(
    'camera-list/pipeline.yaml',
    '--set',
    `camera.with.path=${join(trap, 'media.csv')}`,
  );
  const visits = ['ridge', 'valley'].flatMap((site) => [`${site}/20240501T040000Z`, `${site}/20240501T050000Z`]);
  expect(manifest.frames!.map(({ sequence, count }) => [sequence, count])).toEqual(visits.map((visit) => [visit, 8]));
  expect(files).toEqual(['embeddings.csv', ...visits.map((visit) => `gif/${visit}/pca-overlay.gif`)]);
  expect(readFileSync(join(output, 'embeddings.csv'), 'utf8').trimEnd().split('\n')).toHaveLength(1 + visits.length);
});

test('a camera that keeps writing is watched: a file for each clip, and an end when it stops', async () => {
  const incoming = join(folder, 'incoming');
  mkdirSync(incoming);
  const camera = node('examples/watched-camera/camera.mjs', incoming, '16', '0.1');
  const { files, manifest } = await run(
    'watched-camera/pipeline.yaml',
    '--set',
    `camera.with.directory=${incoming}`,
    '--set',
    'camera.with.idleEndSeconds=8',
  );
  await camera;
  expect(files).toEqual([
    'embeddings.csv',
    'features/features_frames_0000_0007.safetensors',
    'features/features_frames_0008_0015.safetensors',
  ]);
  expect(manifest.frames![0]!.seconds).toEqual(Array.from({ length: 16 }, (_, i) => 10 * i));
});

test('a video becomes an embedding of every two seconds, and a video of what the tokens see', async () => {
  const made = await run('video-to-clips/make-video.yaml');
  const path = join(made.output, 'weather.png');
  const { files, output, manifest } = await run('video-to-clips/pipeline.yaml', '--set', `video.with.path=${path}`);
  expect(manifest.stages.map(({ id, out }) => [id, out])).toEqual(
    expect.arrayContaining([
      ['video', 64],
      ['clips', 4],
    ]),
  );
  expect(files).toEqual(['embeddings.csv', 'similarity.csv', 'video/pca-overlay.mp4']);
  const [, ...rows] = readFileSync(join(output, 'embeddings.csv'), 'utf8').trim().split('\n');
  expect(rows.map((row) => row.split(',').slice(0, 4).join())).toEqual([
    'clip-000000,weather,0,22',
    'clip-000001,weather,24,46',
    'clip-000002,weather,48,70',
    'clip-000003,weather,72,94',
  ]);
  const [, ...alike] = readFileSync(join(output, 'similarity.csv'), 'utf8').trim().split('\n');
  const likeness = alike.map((row) => Number(row.split(',').at(-1)));
  expect(likeness[0]).toBeCloseTo(1, 6);
  // The weather moves on: what comes later is less like the first clip.
  expect(likeness).toEqual([...likeness].sort((a, b) => b - a));
});

test('a grid of sensors needs no pictures', async () => {
  const { output, files, manifest } = await run('sensor-grid/pipeline.yaml');
  expect(files).toContain('pca/pca_frames_0036_0047.npy');
  expect(manifest.inputs.map(({ path }) => path)).toEqual(['examples/sensor-grid/readings.csv']);
  const { stdout } = await deepearth('inspect', join(output, 'pca/pca_frames_0036_0047.npy'), '--json');
  expect(JSON.stringify(JSON.parse(stdout))).toContain('"shape":[12,4,6,2]');
});

test('a program does with frames and a .pt file what the Python extractor was used for', async () => {
  const pipeline = join(folder, 'from-python.yaml');
  writeFileSync(
    pipeline,
    `stages:
  - { id: frames, type: source/synthetic, with: { count: 16, width: 96, height: 64 } }
  - { type: renderer/panels, from: [frames] }
  - { type: sink/pictures, with: { directory: frames, file: frame_<number> } }
  - { type: windower/sliding, from: frames }
  - { type: encoder/vjepa2 }
  - { type: sink/features, with: { format: pt } }
`,
  );
  const output = join(folder, 'from-python');
  await deepearth('run', pipeline, '--output', output);
  const frames = readdirSync(join(output, 'frames')).map((name) => join(output, 'frames', name));
  const { stdout } = await node(
    'examples/from-python.mjs',
    ...frames.sort(),
    join(output, 'features/features_frames_0000_0015.pt'),
  );
  expect(stdout.trim().split('\n')).toEqual([
    'one image: [8, 24, 24, 256]',
    'one window: [8, 24, 24, 256]',
    'tokens by step of time: [8, 576, 256]',
    'tokens by place: [8, 24, 24, 256]',
    'mean: [256]',
    'max: [256]',
    'cls: [256]',
    'spatial_mean: [8, 256]',
    'mean of each place: [24, 24, 256]',
    'step 3: [24, 24, 256]',
    'one place through time: [8, 256]',
    'global: [256]',
    'temporal: [8, 256]',
    'spatial: [24, 24, 256]',
    'quadrants: [4, 8, 256]',
    'a file: [4608, 256]',
    'its mean: [256]',
    'its mean of each step: [8, 256]',
  ]);
});

test('a program runs a pipeline in a screenful of lines', async () => {
  const { stdout } = await node('examples/embed.mjs', join(folder, 'embedded'));
  expect(stdout).toMatch(/^wrote gif\/pca-overlay\.gif\ndone synthetic 16, sliding 1, /);
  const lines = readFileSync(join(import.meta.dirname, 'embed.mjs'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('//'));
  expect(lines.length).toBeLessThanOrEqual(24);
});
