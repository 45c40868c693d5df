// Each command of the Python scripts leaves what the scripts left: names, picture sizes, and what is in the files.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from '@deepearth/core';
import { plan } from '@deepearth/core/plan';
import { openFile } from '@deepearth/formats/file-source-node';
import { openPt, valueAt } from '@deepearth/formats/pt';
import { openZip } from '@deepearth/formats/zip';
import { parseConfig } from '@deepearth/runtime/config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinStages } from './registry.ts';
import { deepearth, type Outcome } from './testing/spawn.ts';
import { torchLoads, torchPython, withoutTorch } from './testing/torch.ts';

const root = mkdtempSync(join(tmpdir(), 'deepearth-python-'));
const ffprobe = spawnSync('ffprobe', ['-version']).status === 0;
const minutes = 60_000;

beforeAll(async () => {
  const checkpoint = fileURLToPath(new URL('../fixtures/wide-checkpoint.mjs', import.meta.url));
  execFileSync(process.execPath, [checkpoint, join(root, 'wide')]);
  mkdirSync(join(root, 'FRAMES'));
  await drawFrames();
}, 5 * minutes);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pad = (number: number, digits = 4): string => String(number).padStart(digits, '0');

/** Frames of the system's own, as large as those the scripts were run on. */
async function drawFrames(): Promise<void> {
  writeFileSync(
    join(root, 'draw.yaml'),
    `stages:
  - { id: frames, type: source/synthetic, with: { count: 32, width: 360, height: 360 } }
  - { type: renderer/panels, from: [frames] }
  - { type: sink/pictures, with: { directory: ., file: NCAR_frame_<number> } }
`,
  );
  expect((await run('run', 'draw.yaml', '--output', 'FRAMES')).status).toBe(0);
  rmSync(join(root, 'FRAMES', 'manifest.json'));
}

const run = (...args: string[]): Promise<Outcome> => deepearth(args, { cwd: root });

const encoding = ['--model', 'wide', '--device', 'cpu'];
const frames = (last = 31): string[] => ['--frame_dir', 'FRAMES', '--first_frame', '0', '--last_frame', String(last)];

/** What a run left but for its manifest, and the size of pictures and videos: "frame.png 360x360". */
function left(folder: string): string[] {
  const path = join(root, folder);
  return (
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
      // What a page of pictures has beside them.
      .filter((name) => name !== 'manifest.json' && !name.startsWith('package/thumbnails/'))
      .map((name) => `${name.replace(/\d{8}_\d{6}/, 'YYYYMMDD_HHMMSS')}${sizeOf(join(path, name))}`)
      .sort()
  );
}

function sizeOf(path: string): string {
  const bytes = readFileSync(path);
  if (path.endsWith('.png')) return ` ${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
  if (path.endsWith('.gif')) return ` ${bytes.readUInt16LE(6)}x${bytes.readUInt16LE(8)}`;
  if (!path.endsWith('.mp4')) return '';
  const { width, height } = probe(path);
  return ffprobe ? ` ${width}x${height}` : '';
}

interface Probed {
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly r_frame_rate?: string;
  readonly nb_read_frames?: string;
  readonly duration?: string;
}

function probe(path: string): Probed {
  if (!ffprobe) return {};
  const entries = 'stream=codec_name,width,height,r_frame_rate,nb_read_frames,duration';
  const args = ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', entries, '-of', 'json', path];
  return (JSON.parse(execFileSync('ffprobe', args).toString()) as { streams: [Probed] }).streams[0];
}

/** The features of windows. */
const features = (folder: string, ...firsts: number[]): string[] =>
  firsts.map((first) => `${folder}features_frames_${pad(first)}_${pad(first + 15)}.pt`);

/** The pictures of a window, as the scripts drew them. */
const visualizations = (folder: string, first: number): string[] => {
  const window = `${folder}visualizations/frames_${pad(first)}_${pad(first + 15)}`;
  return Array.from({ length: 8 }, (_, t) => [
    `${window}/umap_t${t}.png 240x240`,
    `${window}/pca_t${t}.png 240x240`,
    ...[0, 1].map((half) => `${window}/original_t${t}_frame_${pad(2 * t + half, 2)}.png 360x360`),
  ]).flat();
};

/** Videos by what they show; without ffprobe the size of an MP4 is not compared. */
const videos = (folder: string, last: number, sizes: Readonly<Record<string, string>>, endings: string[]): string[] =>
  Object.entries(sizes).flatMap(([shown, size]) =>
    endings.map(
      (ending) =>
        `${folder}videos/frames_0000_${pad(last)}_${shown}.${ending}${ending === 'mp4' && !ffprobe ? '' : ` ${size}`}`,
    ),
  );

const zip = 'vjepa2_output_YYYYMMDD_HHMMSS.zip';
/** What a package holds beside what the scripts put there. */
const about = ['README.txt', 'contents.json', 'manifest.json'].map((name) => `package/${name}`);
const withPackage = (...names: string[][]): string[] =>
  [zip, 'package/metadata.json', ...about, ...pageOf(names.flat()), ...names.flat()].sort();
/** A package of pictures or videos has a page of them. */
const pageOf = (names: readonly string[]): string[] =>
  names.some((name) => /^package\/.*\.(png|gif|mp4)/.test(name)) ? ['package/index.html'] : [];

const zipNames = async (folder: string): Promise<string[]> => {
  const name = readdirSync(join(root, folder)).find((file) => file.endsWith('.zip'))!;
  const file = await openFile(join(root, folder, name));
  const names = [...(await openZip(file)).entries.keys()];
  await file.close();
  return names.filter((each) => !each.startsWith('thumbnails/')).sort();
};

/** What the package folder holds, without sizes, which is what the archive holds. */
const packed = (folder: string): string[] =>
  left(folder).flatMap((name) => (name.startsWith('package/') ? [name.slice(8).replace(/ \d+x\d+$/, '')] : []));

const metadata = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(root, folder, 'package/metadata.json'), 'utf8')) as Record<string, unknown>;

async function readPt<T>(path: string, read: (value: Awaited<ReturnType<typeof openPt>>['value']) => T): Promise<T> {
  const file = await openFile(join(root, path));
  try {
    return read((await openPt(file)).value);
  } finally {
    await file.close();
  }
}

const namesIn = (value: unknown): unknown[] => [...(value as Map<unknown, unknown>).keys()];

describe('deepearth sequence', () => {
  test('writes a .pt for each window, with the keys of the scripts', { timeout: 5 * minutes }, async () => {
    const { status, stderr } = await run(
      'sequence',
      ...frames(),
      ...encoding,
      ...['--output_dir', 'seq8', '--stride', '8', '--batch_size', '4', '--date', '2026-11-23T16:51:27.228376'],
    );
    expect(stderr).toContain('Done');
    expect(status).toBe(0);
    expect(left('seq8')).toEqual(features('', 0, 8, 16));
    await readPt('seq8/features_frames_0008_0023.pt', (value) => {
      expect(namesIn(value)).toEqual(['features', 'shape', 'dtype', 'model_info', 'metadata']);
      expect(valueAt(value, 'features')).toMatchObject({ dtype: 'float16', shape: [4608, 1408] });
      expect(valueAt(value, 'shape')).toEqual({ kind: 'size', items: [4608, 1408] });
      expect(valueAt(value, 'dtype')).toBe('torch.float16');
      expect(Object.fromEntries(valueAt(value, 'model_info') as Map<string, unknown>)).toEqual({
        model_name: expect.any(String),
        num_input_frames: 16,
        num_output_temporal: 8,
        spatial_patches: 576,
        spatial_grid_size: 24,
        patch_dim: 1408,
        total_patches: 4608,
      });
      const said = Object.fromEntries(valueAt(value, 'metadata') as Map<string, unknown>);
      expect(said).toMatchObject({
        window_idx: 1,
        start_frame: 8,
        end_frame: 23,
        frame_numbers: Array.from({ length: 16 }, (_, i) => 8 + i),
        num_input_frames: 16,
        num_output_temporal: 8,
        model: expect.any(String),
        extraction_timestamp: '2026-11-23T16:51:27.228000',
      });
      expect((said['frame_files'] as string[])[0]).toMatch(/^NCAR_frame_0+8\.(tif|png)$/);
      expect(Object.fromEntries(said['temporal_mapping'] as Map<string, string>)).toMatchObject({
        t0: 'frames_0008_0009',
        t7: 'frames_0022_0023',
      });
    });
  });

  test('says which frames at the end fill no window, and ends well', { timeout: 5 * minutes }, async () => {
    const { status, stderr } = await run('sequence', ...frames(17), ...encoding, '--output-dir', 'tail');
    expect(stderr).toContain('the last 2 frames fill no clip of 16 and are dropped');
    expect(status).toBe(0);
    expect(left('tail')).toEqual(features('', 0));
  });
});

describe('deepearth visualize', () => {
  const names = (ending: string): string[] =>
    Array.from(
      { length: 8 },
      (_, t) => `features_frames_0000_0015_t${t}_frames_${pad(2 * t)}_${pad(2 * t + 1)}${ending}`,
    );

  test('draws the tokens of every step, and lays them over the frames', { timeout: 5 * minutes }, async () => {
    await run('sequence', ...frames(15), ...encoding, '--output-dir', 'one-window');
    const file = 'one-window/features_frames_0000_0015.pt';
    const { status, stderr } = await run('visualize', file, '--output_dir', 'viz', '--n_neighbors', '10');
    expect(stderr).toContain('Done');
    expect(status).toBe(0);
    expect(left('viz')).toEqual([...names('.png 240x240'), ...names('_overlay.png 360x360')].sort());

    expect((await run('visualize', file, '--output-dir', 'plain-viz', '--no_overlay')).status).toBe(0);
    expect(left('plain-viz')).toEqual(names('.png 240x240'));

    const other = await run('visualize', 'one-window', '--output-dir', 'plain-viz', '--no-overlay');
    expect(other.stderr).toContain('--overwrite');
    expect(other.status).not.toBe(0);
    const over = await run('visualize', 'one-window', '--output-dir', 'plain-viz', '--no-overlay', '--overwrite');
    expect(over.status).toBe(0);
    expect(left('plain-viz')).toEqual(names('.png 240x240'));
  });
});

describe('deepearth extract', () => {
  /** Pictures in nested folders and a broken one, as in the run of the script. */
  const images = (): void => {
    mkdirSync(join(root, 'IMAGES/a/b'), { recursive: true });
    const all = readdirSync(join(root, 'FRAMES')).filter((name) => /\.(tif|png)$/.test(name));
    const names = ['a/b/im0.jpg', 'a/b/im1.jpg', 'a/b/im2.jpg', 'root.jpg'];
    // What a picture is, is read from its bytes.
    for (const [i, name] of names.entries())
      writeFileSync(join(root, 'IMAGES', name), readFileSync(join(root, 'FRAMES', all[i]!)));
    writeFileSync(join(root, 'IMAGES/broken.jpg'), 'no picture');
  };
  const paths = ['IMAGES/a/b/im0.jpg', 'IMAGES/a/b/im1.jpg', 'IMAGES/a/b/im2.jpg', 'IMAGES/root.jpg'];

  test('writes chunks, lists what is broken, goes on where it ended', { timeout: 8 * minutes }, async () => {
    images();
    const args = ['extract', '--image_dir', 'IMAGES', '--output_dir', 'images', '--chunk_size', '2', ...encoding];
    const { status, stderr } = await run(...args);
    expect(stderr).toContain('IMAGES/broken.jpg: cannot be read');
    expect(status).toBe(3);
    expect(left('images')).toEqual(['extraction_progress.json', 'features_chunk_0000.pt', 'features_chunk_0001.pt']);
    const progress = JSON.parse(readFileSync(join(root, 'images/extraction_progress.json'), 'utf8')) as object;
    expect(progress).toMatchObject({ processed_images: paths, last_chunk: 1, total_processed: 4 });
    expect(progress).toHaveProperty('started_at', expect.stringMatching(/^\d{4}-\d\d-\d\dT/));
    expect(progress).toHaveProperty('skipped', [{ item: 'frame-000003', message: expect.stringContaining('broken') }]);
    for (const chunk of [0, 1])
      await readPt(`images/features_chunk_000${chunk}.pt`, (value) => {
        expect(namesIn(value)).toEqual(paths.slice(2 * chunk, 2 * chunk + 2));
        for (const entry of (value as Map<string, unknown>).values()) {
          expect(namesIn(entry)).toEqual(['features', 'metadata']);
          expect((entry as Map<string, unknown>).get('features')).toMatchObject({
            dtype: 'float16',
            shape: [4608, 1408],
          });
        }
      });

    const before = [0, 1].map((chunk) => readFileSync(join(root, `images/features_chunk_000${chunk}.pt`)));
    rmSync(join(root, 'images/features_chunk_0001.pt'));
    const again = await run(...args, '--json');
    expect(again.status).toBe(3);
    // One of two chunks was there: two pictures of four are encoded again.
    expect(again.stdout).toContain('"step":"encode","done":2');
    expect(again.stdout).not.toContain('"step":"encode","done":3');
    for (const chunk of [0, 1])
      expect(before[chunk]!.equals(readFileSync(join(root, `images/features_chunk_000${chunk}.pt`)))).toBe(true);
    expect(JSON.parse(readFileSync(join(root, 'images/extraction_progress.json'), 'utf8'))).toEqual(progress);
  });

  test('a chunk is drawn by deepearth visualize, picture by picture', { timeout: 5 * minutes }, async () => {
    const { status } = await run('visualize', 'images/features_chunk_0000.pt', '--output-dir', 'chunk-viz');
    expect(status).toBe(0);
    expect(left('chunk-viz')).toHaveLength(2 * 8 * 2);
  });

  test('deepearth parallel divides the same work over processes', { timeout: 8 * minutes }, async () => {
    const { status, stdout } = await run('parallel', 'IMAGES', 'parallel', '2', '2', ...encoding, '--json');
    expect(status).toBe(3);
    expect(left('parallel')).toEqual(left('images'));
    expect(stdout).toContain('"type":"run-finished"');
    const manifest = JSON.parse(readFileSync(join(root, 'parallel/manifest.json'), 'utf8')) as {
      pipeline: { id: string; with: { device?: unknown } }[];
    };
    expect(manifest.pipeline.find(({ id }) => id === 'tokens')!.with.device).toEqual(['cpu', 'cpu']);
    for (const chunk of [0, 1])
      await readPt(`parallel/features_chunk_000${chunk}.pt`, (value) =>
        expect(namesIn(value)).toEqual(paths.slice(2 * chunk, 2 * chunk + 2)),
      );
  });
});

describe('deepearth pipeline', () => {
  test('without flags writes features and a package', { timeout: 5 * minutes }, async () => {
    expect((await run('pipeline', ...frames(15), ...encoding, '--output_dir', 'plain')).status).toBe(0);
    expect(left('plain')).toEqual(withPackage(features('features/', 0), features('package/embeddings/', 0)));
    expect(metadata('plain')).toEqual({
      processing_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      frame_range: '0 to 15',
      stride: 16,
      batch_size: 2,
      options: {
        umap_visualization: false,
        pca_visualization: false,
        original_images: false,
        embeddings: true,
        videos_included: false,
      },
    });
    expect(await zipNames('plain')).toEqual(packed('plain'));
  });

  test('with all flags writes what the script wrote', { timeout: 10 * minutes }, async () => {
    const { status, stderr } = await run(
      ...['pipeline', ...frames(), ...encoding, '--output_dir', 'full'],
      ...['--video_animation', '--video_fps', '12', '--mp4', '--gif', '--umap_visualization', '--pca_visualization'],
      ...['--original_images', '--video_umap_visualization', '--video_pca_visualization'],
      '--video_stacked_visualization',
    );
    expect(stderr).toContain('Done');
    expect(status).toBe(0);
    const sizes = { original: '360x360', umap: '480x480', pca: '480x480', stacked: '1024x2048' };
    const both = ['', 'package/'].flatMap((folder) => [
      ...visualizations(folder, 0),
      ...visualizations(folder, 16),
      ...videos(folder, 31, sizes, ['gif', 'mp4']),
    ]);
    expect(left('full')).toEqual(
      withPackage(features('features/', 0, 16), features('package/embeddings/', 0, 16), both),
    );
    expect(await zipNames('full')).toEqual(packed('full'));
    if (ffprobe)
      for (const shown of Object.keys(sizes))
        expect(probe(join(root, `full/videos/frames_0000_0031_${shown}.mp4`))).toMatchObject({
          codec_name: 'h264',
          r_frame_rate: '12/1',
          nb_read_frames: '32',
        });
    for (const shown of Object.keys(sizes)) {
      const { hundredths, loops } = gifTimes(join(root, `full/videos/frames_0000_0031_${shown}.gif`));
      expect(loops).toBe(true);
      expect(Math.abs(hundredths - (32 / 12) * 100)).toBeLessThanOrEqual(1);
    }
  });

  test('makes one video of what was chosen, which the script did not', { timeout: 5 * minutes }, async () => {
    const { status } = await run(
      ...['pipeline', ...frames(), ...encoding, '--output_dir', 'combined', '--video_animation', '--mp4', '--gif'],
      ...['--video_umap_visualization', '--video_pca_visualization', '--no_independent_videos', '--no_embeddings'],
    );
    expect(status).toBe(0);
    const both = ['', 'package/'].flatMap((folder) => videos(folder, 31, { combined: '1440x480' }, ['gif', 'mp4']));
    expect(left('combined')).toEqual(withPackage(features('features/', 0, 16), both));
    expect(metadata('combined')['options']).toMatchObject({ embeddings: false, videos_included: true });
  });

  test('leaves the video of the frames out', { timeout: 5 * minutes }, async () => {
    const { status } = await run(
      ...['pipeline', ...frames(15), ...encoding, '--output_dir', 'one', '--video_animation', '--mp4'],
      ...['--video_umap_visualization', '--video_stacked_visualization', '--no_video_original_images'],
    );
    expect(status).toBe(0);
    const both = ['', 'package/'].flatMap((folder) =>
      videos(folder, 15, { umap: '480x480', stacked: '1024x2048' }, ['mp4']),
    );
    expect(left('one')).toEqual(withPackage(features('features/', 0), features('package/embeddings/', 0), both));
  });

  test('the printed pipeline leaves the same bytes', { timeout: 8 * minutes }, async () => {
    const args = ['pipeline', ...frames(15), ...encoding, '--umap_visualization', '--date', '2026-11-23'];
    const { stdout, status } = await run(...args, '--output_dir', 'again', '--print-config');
    expect(status).toBe(0);
    writeFileSync(join(root, 'again.yaml'), stdout);
    expect((await run('run', 'again.yaml')).status).toBe(0);
    expect((await run(...args, '--output_dir', 'first')).status).toBe(0);
    expect(left('first')).toEqual(left('again'));
    for (const name of readdirSync(join(root, 'first'), { recursive: true, encoding: 'utf8' }))
      if (/\.(pt|png|zip)$/.test(name))
        expect(readFileSync(join(root, 'first', name)).equals(readFileSync(join(root, 'again', name))), name).toBe(
          true,
        );
    expect(readdirSync(join(root, 'first')).map((name) => basename(name))).toContain(
      'vjepa2_output_20261123_000000.zip',
    );
  });
});

describe.skipIf(!torchPython)(`PyTorch${withoutTorch}`, () => {
  test(
    'reads every .pt file that the commands left, with weights_only=True, mapped or not',
    { timeout: 5 * minutes },
    () => {
      const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pt'));
      const kinds = new Map(files.map((name) => [name.replace(/\d+/g, '#'), name]));
      expect(kinds.size).toBeGreaterThan(0);
      for (const loaded of torchLoads(...[...kinds.values()].map((name) => join(root, name)))) {
        const [first] = 'features' in (loaded as object) ? [loaded] : Object.values(loaded as object);
        expect(first).toMatchObject({
          features: { dtype: 'torch.float16', shape: [4608, 1408] },
          metadata: { model: expect.any(String) as string },
        });
      }
    },
  );
});

const lists = fileURLToPath(new URL('../../../../shared/reference/original', import.meta.url));
const python = ['python3', '/usr/bin/python3', 'python'].find(
  (command) => existsSync(lists) && spawnSync(command, ['-c', 'import torch, PIL']).status === 0,
);
const unread = !existsSync(lists)
  ? 'the lists are not here'
  : !python
    ? 'no python3 with torch and Pillow'
    : ffprobe
      ? ''
      : 'no ffprobe';

/**
 * What may differ, as docs/from-python.md says: models, dates, the codec, entries of the zip, how a GIF spreads its
 * time.
 */
const mayDiffer =
  /(model_name|metadata\/model|extraction_timestamp|processing_date|started_at|codec_name|\.zip|\.gif\/(frames|durationMs))$/;

/** What the scripts left and is not here, or is something else. */
function lost(listed: unknown, found: unknown, path = ''): string[] {
  if (mayDiffer.test(path) && found !== undefined) return [];
  if (typeof listed !== 'object' || listed === null || Array.isArray(listed))
    return JSON.stringify(listed) === JSON.stringify(found)
      ? []
      : [`${path}: ${JSON.stringify(listed)}, ${JSON.stringify(found)}`];
  return Object.entries(listed).flatMap(([name, value]) =>
    lost(value, (found as Record<string, unknown> | undefined)?.[name], `${path}/${name}`),
  );
}

describe('the lists of what the scripts left', () => {
  test.skipIf(unread).each(['seq8', 'viz', 'images', 'plain', 'full', 'combined', 'one'])(
    `%s, as torch, Pillow and ffprobe read it, holds everything${unread && ` (skipped: ${unread})`}`,
    { timeout: 5 * minutes },
    (name) => {
      const listed = JSON.parse(readFileSync(join(lists, `${name}.json`), 'utf8')) as object;
      const found = execFileSync(python!, ['-B', join(lists, 'list_outputs.py'), join(root, name)], {
        maxBuffer: 2 ** 26,
      });
      expect(Object.keys(listed).length).toBeGreaterThan(0);
      expect(lost(listed, JSON.parse(found.toString()))).toEqual([]);
    },
  );
});

describe('colours of deepearth pipeline', () => {
  test('are of one fit of each kind over the run, for pictures and videos alike', async () => {
    const { stdout } = await run(
      ...['pipeline', ...frames(), ...encoding, '--umap_visualization', '--pca_visualization', '--video_animation'],
      ...['--video_umap_visualization', '--video_pca_visualization', '--video_stacked_visualization'],
      ...['--stride', '8', '--print-config'],
    );
    const { pipeline } = await parseConfig(stdout, 'printed.yaml', { registry: builtinStages() });
    const typed = (kind: string) => pipeline.stages.filter(({ definition }) => definition.type.startsWith(kind));
    expect(typed('reducer/').map(({ id, from }) => [id, from])).toEqual([
      ['umap', ['tokens']],
      ['pca', ['tokens']],
    ]);
    expect(typed('renderer/').map(({ id, from }) => [id, ...from])).toEqual([
      ['umap-pictures', 'umap'],
      ['pca-pictures', 'pca'],
      ['original-video', 'tokens'],
      ['umap-video', 'umap'],
      ['pca-video', 'pca'],
      ['stacked-video', 'umap'],
    ]);
  });

  test(
    'are beside the right frames in the one video of a stride of 8, each frame once',
    { timeout: 5 * minutes },
    async () => {
      const { status } = await run(
        ...['pipeline', ...frames(), ...encoding, '--output_dir', 'stride8', '--stride', '8', '--batch_size', '3'],
        ...['--video_animation', '--gif', '--video_pca_visualization', '--no_independent_videos', '--no_embeddings'],
      );
      expect(status).toBe(0);
      expect(left('stride8')).toContain('videos/frames_0000_0031_combined.gif 960x480');
      const manifest = JSON.parse(readFileSync(join(root, 'stride8/manifest.json'), 'utf8')) as Manifest;
      const [video] = manifest.outputs.filter(({ path }) => path.startsWith('videos/'));
      expect(video!.about!.frames).toEqual(Array.from({ length: 32 }, (_, i) => i));
    },
  );
});

describe('docs/from-python.md', () => {
  const text = readFileSync(fileURLToPath(new URL('../../../docs/from-python.md', import.meta.url)), 'utf8');
  const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split('\n'));
  const words = (command: string): string[] => command.split(' ').map((word) => word.replaceAll("'", ''));

  test('shows every command', () => {
    expect(new Set(commands.map((command) => words(command)[1]))).toEqual(
      new Set(['extract', 'sequence', 'pipeline', 'visualize', 'parallel']),
    );
  });

  test.each(commands)('%s is a valid pipeline', async (command) => {
    const { stdout, status } = await run(...words(command).slice(1), '--print-config');
    expect(status).toBe(0);
    const { pipeline } = await parseConfig(stdout, 'printed.yaml', { registry: builtinStages() });
    await plan(pipeline, { survey: false });
    const kebab = words(command)
      .slice(1)
      .map((word) => (word.startsWith('--') ? word.replaceAll('_', '-') : word));
    const date = ['--date', '2026-11-23T16:48:23'];
    const [one, other] = [words(command).slice(1), kebab].map((args) => [...args, ...date, '--print-config']);
    expect((await run(...one!)).stdout).toBe((await run(...other!)).stdout);
  });

  test('names only flags that help shows', async () => {
    for (const name of ['extract', 'sequence', 'pipeline', 'visualize', 'parallel']) {
      const { stdout } = await run(name, '--help');
      expect(stdout).not.toMatch(/--\w+_/);
      for (const command of commands.filter((each) => words(each)[1] === name))
        for (const flag of words(command).filter((word) => word.startsWith('--')))
          expect(stdout).toContain(flag.replaceAll('_', '-'));
    }
  });
});

describe('the date of a run', () => {
  const printed = async (env: NodeJS.ProcessEnv, ...more: string[]): Promise<string> =>
    (
      await deepearth(['sequence', '--frame-dir', 'FRAMES', '--output-dir', 'dated', '--print-config', ...more], {
        cwd: root,
        env,
      })
    ).stdout;

  test('is --date, else SOURCE_DATE_EPOCH, else that of the run that goes on', async () => {
    const epoch = { SOURCE_DATE_EPOCH: '1763916503' };
    expect(await printed(epoch)).toContain('extraction_timestamp: 2025-11-23T16:48:23.000000');
    expect(await printed(epoch, '--date', '2026-01-02T03:04:05+02:00')).toContain('2026-01-02T01:04:05.000000');
    mkdirSync(join(root, 'dated/.deepearth'), { recursive: true });
    writeFileSync(join(root, 'dated/.deepearth/date'), '2024-05-06T07:08:09.123000');
    expect(await printed({}, '--resume')).toContain('2024-05-06T07:08:09.123000');
    expect(await printed({})).not.toContain('2024-05-06');
  });

  test('refuses what is none', async () => {
    const { status, stderr } = await run('sequence', '--frame-dir', 'FRAMES', '--date', 'yesterday');
    expect(stderr).toContain('--date: expected a date, got "yesterday"');
    expect(status).toBe(2);
    const other = await deepearth(['sequence', '--frame-dir', 'FRAMES'], {
      cwd: root,
      env: { SOURCE_DATE_EPOCH: 'x' },
    });
    expect(other.stderr).toContain('SOURCE_DATE_EPOCH: expected whole seconds since 1970, got "x"');
    expect(other.status).toBe(2);
  });
});

/** All delays of a GIF in hundredths of a second, and whether it plays again and again. */
function gifTimes(path: string): { hundredths: number; loops: boolean } {
  const bytes = readFileSync(path);
  let hundredths = 0;
  for (let at = bytes.indexOf('!\xf9\x04', 0, 'latin1'); at >= 0; at = bytes.indexOf('!\xf9\x04', at + 8, 'latin1'))
    if (bytes[at + 7] === 0) hundredths += bytes.readUInt16LE(at + 4);
  return { hundredths, loops: bytes.includes('NETSCAPE2.0') };
}
