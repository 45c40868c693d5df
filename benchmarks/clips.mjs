// Reading, preparing and encoding clips of 16 JPEGs of 1920 x 1080 with the built-in checkpoint.
//
//     node benchmarks/clips.mjs [CLIPS] [ROUNDS]
//
// Prints one JSON line for each measure: time on the clock, processor seconds of this process, and the load of the
// machine. "prepare": one clip read and prepared, nothing else. "memory": so many clips encoded that lie prepared in
// memory. "whole": the same clips through source, windower and encoder. The rounds take turns. Run it under
// `taskset -c 0` for one core.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrames } from '@deepearth/onnx/encode-frames';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { openEncoder } from '@deepearth/onnx/encoder';
import { resolveModel } from '@deepearth/onnx/resolve-model';
import { vjepa2Family } from '@deepearth/model-vjepa2/family';
import { parseConfig } from '@deepearth/runtime/config';
import { run } from '@deepearth/core/run';
import { weather } from '@deepearth/sources/weather';
import { findProcessor } from '@deepearth/vision/find-processor';
import { readPicture } from '@deepearth/vision/read-picture';
import sharp from 'sharp';
import { readyClip } from '../packages/model-vjepa2/dist/ready-clip.js';
import { builtinStages } from '../packages/cli/dist/registry.js';
import { processorFamily } from '../packages/model-vjepa2/dist/processing.js';

const clips = Number(process.argv[2] ?? 6);
const rounds = Number(process.argv[3] ?? 3);
const size = { width: 1920, height: 1080 };
const folder = mkdtempSync(join(tmpdir(), 'clips-'));
mkdirSync(join(folder, 'frames'));
// Sixteen frames, drawn small; the files of the other clips are copies of theirs.
const drawn = { width: 480, height: 270 };
const world = weather({ ...drawn, seed: 7 });
const paths = [];
for (let number = 0; number < 16 * clips; number++) {
  const path = join(folder, 'frames', `frame_${String(number).padStart(4, '0')}.jpg`);
  if (number >= 16) copyFileSync(paths[number % 16], path);
  else
    await sharp(world.draw(number).data, { raw: { ...drawn, channels: 3 } })
      .resize(size.width, size.height)
      .jpeg({ quality: 90 })
      .toFile(path);
  paths.push(path);
}

const { path, name } = await resolveModel([vjepa2Family], 'builtin');
const checkpoint = await openCheckpoint(vjepa2Family, path, { name });
const processor = await findProcessor(checkpoint.folder, processorFamily(checkpoint.architecture));
const ready = (index) =>
  readyClip(
    checkpoint.architecture,
    processor,
    paths
      .slice(16 * index, 16 * index + 16)
      .map((key) => ({ key, bytes: 3 * size.width * size.height, read: () => readPicture(key) })),
    {},
  );

async function measured(measure, work) {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  const result = {
    measure,
    seconds,
    ownCpuSeconds: (user + system) / 1e6,
    load: loadavg()[0],
    cores: availableParallelism(),
  };
  console.log(JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toFixed(3)) : value)));
  return result;
}

const text = `
stages:
  - { id: frames, type: source/frames, with: { directory: ${JSON.stringify(join(folder, 'frames'))} } }
  - { id: clips, type: windower/sliding }
  - { id: tokens, type: encoder/vjepa2, with: { device: cpu } }
`;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const results = { prepare: [], memory: [], whole: [] };
try {
  const prepared = [];
  for (let index = 0; index < clips; index++) prepared.push(await ready(index));
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < 3; index++) results.prepare.push(await measured('prepare', () => ready(index % clips)));
    const encoder = await openEncoder(checkpoint);
    await encodeFrames(encoder, prepared.slice(0, 1), 1);
    results.memory.push(await measured('memory', () => encodeFrames(encoder, prepared, 1)));
    await encoder.close();
    const { pipeline } = await parseConfig(text, 'clips.yaml', { registry: builtinStages() });
    const running = run(pipeline);
    let tokens = 0;
    // Opening the model is not the encoding phase.
    const opened = new Promise((resolve) =>
      running.events$.subscribe((event) => {
        if (event.type === 'stage-opened' && event.stage === 'tokens') resolve();
        if (event.type === 'info' || event.type === 'stage-closed') console.log(JSON.stringify(event));
      }),
    );
    const all = (async () => {
      for await (const _ of running.items('tokens')) tokens++;
      await running.end;
    })();
    await Promise.race([opened, all]);
    results.whole.push(await measured('whole', () => all));
    if (tokens !== clips) throw new Error(`${tokens} clips came, not ${clips}`);
  }
  const of = (measure, field) => median(results[measure].map((result) => result[field]));
  const bound = of('memory', 'seconds') + (clips * of('prepare', 'ownCpuSeconds')) / availableParallelism();
  console.log(
    JSON.stringify({
      clips,
      prepareSeconds: of('prepare', 'seconds'),
      prepareCpuSeconds: of('prepare', 'ownCpuSeconds'),
      memorySeconds: of('memory', 'seconds'),
      wholeSeconds: of('whole', 'seconds'),
      boundSeconds: bound,
      ratio: of('whole', 'seconds') / bound,
    }),
  );
} finally {
  await checkpoint.close();
  rmSync(folder, { recursive: true, force: true });
}
