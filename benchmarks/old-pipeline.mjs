// `deepearth pipeline` with all flags beside the steps of the Python scripts, both from the same stored features:
//   node benchmarks/old-pipeline.mjs --python PYTHON [--frames 144] [--rounds 2] [--folder FOLDER]
// The Python needs umap-learn, scikit-learn, matplotlib, opencv-python, imageio and Pillow. The two take turns. Prints
// a line a run, the split of both, the seconds of the processor, and the ratio of the medians.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    frames: { type: 'string', default: '144' },
    rounds: { type: 'string', default: '2' },
    folder: { type: 'string' },
  },
});
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'old-pipeline-'));
mkdirSync(folder, { recursive: true });
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const inFolder = (name) => join(folder, name);
const deepearth = (...args) =>
  execFileSync(process.execPath, [here('../packages/cli/bin/deepearth.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  }).toString();
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const last = Number(values.frames) - 1;
if (!existsSync(inFolder('features'))) {
  execFileSync(process.execPath, [here('../packages/cli/fixtures/wide-checkpoint.mjs'), inFolder('wide')]);
  const stages = `stages:
  - { id: frames, type: source/synthetic, with: { count: ${values.frames}, width: 360, height: 360 } }
  - { type: renderer/panels, from: [frames] }
  - { type: sink/pictures, with: { directory: ., file: NCAR_frame_<number> } }
`;
  writeFileSync(inFolder('frames.yaml'), stages);
  deepearth('run', 'frames.yaml', '--output', 'frames');
  rmSync(inFolder('frames/manifest.json'));
  deepearth('sequence', '--frame-dir', 'frames', '--output-dir', 'features', '--model', 'wide', '--device', 'cpu');
  const numbers = `stages:
  - { type: source/features, with: { path: features } }
  - { type: sink/features, with: { format: npy, directory: . } }
`;
  writeFileSync(inFolder('numbers.yaml'), numbers);
  deepearth('run', 'numbers.yaml', '--output', 'numbers');
  rmSync(inFolder('numbers/manifest.json'));
}

// The pipeline of the command, its encoder in the place of which the stored features are read.
const flags =
  '--video-fps 12 --mp4 --gif --umap-visualization --pca-visualization --original-images --video-animation --video-umap-visualization --video-pca-visualization --video-stacked-visualization';
const printed = parse(
  deepearth('pipeline', '--frame-dir', 'frames', '--output-dir', 'ours', ...flags.split(' '), '--print-config'),
);
const source = { id: 'tokens', type: 'source/features', with: { path: 'features' } };
const stages = [source, ...printed.stages.slice(printed.stages.findIndex(({ id }) => id === 'features'))];
writeFileSync(inFolder('ours.yaml'), stringify({ ...printed, stages }));

/** Seconds of the processor that a command takes with all that it starts, as the shell says them. */
function processorSeconds(...args) {
  const script = '"$@" > /dev/null 2>&1 || exit 1; times';
  const { stdout, status } = spawnSync('bash', ['-c', script, 'bash', ...args], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} failed`);
  const [user, system] = stdout
    .trim()
    .split('\n')
    .at(-1)
    .split(' ')
    .map((each) => each.split('m'))
    .map(([minutes, seconds]) => Number(minutes) * 60 + Number.parseFloat(seconds));
  return { user, system };
}

const times = { ours: [], theirs: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  rmSync(inFolder('ours'), { recursive: true, force: true });
  const begun = performance.now();
  const used = processorSeconds(process.execPath, here('../packages/cli/bin/deepearth.js'), 'run', 'ours.yaml');
  const seconds = (performance.now() - begun) / 1000;
  const { busySeconds } = JSON.parse(readFileSync(inFolder('ours/manifest.json'), 'utf8')).times;
  times.ours.push(seconds);
  console.log(JSON.stringify({ ours: Math.round(seconds * 100) / 100, ...used, busySeconds, frames: last + 1 }));

  rmSync(inFolder('theirs'), { recursive: true, force: true });
  const args = [here('old-pipeline-peer.py'), inFolder('frames'), inFolder('numbers'), inFolder('theirs')];
  const { stdout, stderr, status } = spawnSync(values.python, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  const theirs = JSON.parse(stdout.trim().split('\n').at(-1));
  times.theirs.push(theirs.seconds);
  const { user, system, steps } = theirs;
  console.log(JSON.stringify({ theirs: theirs.seconds, user, system, steps }));
}
console.log(
  `ours ${median(times.ours).toFixed(1)} s, theirs ${median(times.theirs).toFixed(1)} s: ${(median(times.theirs) / median(times.ours)).toFixed(1)} times as fast`,
);
