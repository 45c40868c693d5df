// Times the encoder on the CPU, precision beside precision and, when asked, PyTorch beside both.
//
//   node benchmarks/encoder.mjs CHECKPOINT [--layers 3] [--frames 16] [--size 384] [--runs 3] [--threads 2]
// [--precisions fp32,int8]
//        [--python PYTHON --torch TORCH_ENCODE.PY]
//
// CHECKPOINT is a folder with config.json and model.safetensors. Every round runs each variant once, so that they share
// what else the machine does; ratios are of medians. Beside the time on the clock stands the processor time of the
// model's process (Linux), which tells more on a machine that has other work. --torch runs a script that prints one
// JSON line with `seconds` (and `cpuSeconds`, if it can) for `CHECKPOINT --layers N --frames N --runs 1 --threads N`.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tensor } from '@deepearth/core/tensor';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { parseDevice } from '@deepearth/onnx/devices';
import { openGraph } from '@deepearth/onnx/open-graph';
import { placeWeights } from '@deepearth/onnx/weights';
import { vjepa2Family } from '@deepearth/model-vjepa2/family';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '3' },
    frames: { type: 'string', default: '16' },
    size: { type: 'string', default: '384' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    precisions: { type: 'string', default: 'fp32,int8' },
    python: { type: 'string', default: 'python3' },
    torch: { type: 'string' },
  },
});
const [folder] = positionals;
if (!folder) throw new Error('Usage: node benchmarks/encoder.mjs CHECKPOINT [options]');
const [frames, size, runs, threads] = [options.frames, options.size, options.runs, options.threads].map(Number);
const depths = options.layers.split(',').map(Number);

const cpuSeconds = (pid) => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return NaN;
  }
};
const peakMiB = (pid) => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024);
    return { peak: of('VmHWM'), anonymous: of('RssAnon'), mapped: of('RssFile') };
  } catch {
    return {};
  }
};

const checkpoint = await openCheckpoint(vjepa2Family, folder);
const count = frames * 3 * size * size;
const pixels = tensor(
  'float32',
  [1, frames, 3, size, size],
  Float32Array.from({ length: count }, (_, i) => 1.5 * Math.sin(i * 12.9898)),
);
const { feeds } = vjepa2Family.prepare(checkpoint.architecture, pixels);

const variants = [];
for (const layers of depths)
  for (const precision of options.precisions.split(',')) {
    const started = performance.now();
    const placed = await placeWeights(checkpoint, precision);
    const placedAt = performance.now();
    const session = await openGraph(
      vjepa2Family,
      placed,
      { architecture: checkpoint.architecture, layers },
      { plan: parseDevice('cpu'), threads },
    );
    variants.push({
      name: `${precision} ${layers} layers`,
      seconds: [],
      cpu: [],
      place: (placedAt - started) / 1e3,
      open: (performance.now() - placedAt) / 1e3,
      session,
      run: () => session.run(feeds),
    });
  }

const torch = (layers) => {
  const { stdout, stderr } = spawnSync(
    options.python,
    [
      options.torch,
      folder,
      '--layers',
      String(layers),
      '--frames',
      String(frames),
      '--runs',
      '1',
      '--threads',
      String(threads),
    ],
    { encoding: 'utf8' },
  );
  const line = stdout.trim().split('\n').at(-1);
  if (!line) throw new Error(stderr);
  return JSON.parse(line);
};
if (options.torch)
  for (const layers of depths) variants.push({ name: `torch fp32 ${layers} layers`, seconds: [], cpu: [], layers });

for (const variant of variants) if (variant.session) await variant.run();
for (let round = 0; round < runs; round++)
  for (const variant of variants) {
    if (!variant.session) {
      const { seconds, cpuSeconds: cpu = NaN } = torch(variant.layers);
      variant.seconds.push(seconds);
      variant.cpu.push(cpu);
      continue;
    }
    const before = cpuSeconds(variant.session.pid);
    const started = performance.now();
    await variant.run();
    variant.seconds.push((performance.now() - started) / 1e3);
    variant.cpu.push(cpuSeconds(variant.session.pid) - before);
  }

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
for (const { name, seconds, cpu, place, open, session } of variants)
  console.log(
    JSON.stringify({
      name,
      seconds: median(seconds),
      cpuSeconds: median(cpu),
      all: seconds.map((value) => Number(value.toFixed(2))),
      place,
      open,
      ...(session && peakMiB(session.pid)),
    }),
  );
for (const { session } of variants) await session?.close();
await checkpoint.close();
