// Feeds damaged files to the command itself: `inspect`, `reduce`, saved models and `run`.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@deepearth/core/tensor';
import { encodeNpz, encodePt } from '@deepearth/formats';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { mutate } from '@deepearth/testing/mutate';
import sharp from 'sharp';
import { preloads, runCommand } from './command.mjs';

const limits = { seconds: 5, megabytes: 500 };

/** Frames, the built-in encoder, PCA and pictures of the frames under its colours. */
const pipeline = (model) => `name: mutants
stages:
  - { id: frames, type: source/frames, with: { directory: FRAMES } }
  - { id: clips, type: windower/sliding }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 32, threads: 1 } }
  - { id: features, type: sink/features }
  - { id: reduced, type: reducer/pca, from: tokens, with: { engine: javascript, ${model} } }
  - { id: overlay, type: renderer/overlay }
  - { id: pictures, type: sink/pictures }
`;
const later = `name: later
stages:
  - { id: tokens, type: source/features, with: { path: FEATURES } }
  - { id: reduced, type: reducer/pca, with: { engine: javascript } }
  - { id: squares, type: renderer/tokens, with: { cellPixels: 4 } }
  - { id: pictures, type: sink/pictures }
`;

/** All pictures of a run, with their names. */
const pictures = (folder) =>
  readdirSync(join(folder, 'out'), { recursive: true })
    .filter((name) => name.endsWith('.png'))
    .sort()
    .map((name) => `${name} ${readFileSync(join(folder, 'out', name)).toString('base64')}`)
    .join();

async function makeFrames(folder, format) {
  mkdirSync(folder);
  for (let number = 0; number < 8; number++) {
    const pixels = Uint8Array.from({ length: 48 * 40 * 3 }, (_, i) => 128 + 90 * Math.sin((i * (number + 3)) / 50));
    await sharp(pixels, { raw: { width: 48, height: 40, channels: 3 } })
      [format]()
      .toFile(join(folder, `frame_${number}.${format}`));
  }
}

/**
 * What is damaged: its bytes, where a mutant goes, the command that reads it, what comes of it, and whether all of it
 * is under a checksum.
 */
async function makeSubjects(folder, env) {
  const values = Float32Array.from({ length: 80 * 6 }, (_, i) => Math.sin(i * i + 1) * (1 + (i % 6)));
  const content = { tokens: tensor('float32', [80, 6], values) };
  await makeFrames(join(folder, 'png'), 'png');
  await makeFrames(join(folder, 'jpeg'), 'jpeg');
  const saving = pipeline('saveAs: pca.safetensors');
  writeFileSync(join(folder, 'made.yaml'), saving.replace('FRAMES', 'png'));
  const made = await runCommand(['run', 'made.yaml', '--output', 'made'], { cwd: folder, env });
  if (made.status !== 0) throw new Error(made.stderr);
  const features = readdirSync(join(folder, 'made', 'features'))[0];

  const inspect = (ending, bytes, summed) => ({
    name: `inspect, ${ending}`,
    bytes,
    summed,
    put: (own, mutant) => writeFileSync(join(own, `file.${ending}`), mutant),
    args: [`inspect`, `file.${ending}`, '--json', '--digest'],
    result: (_, { stdout }) => JSON.stringify(JSON.parse(stdout).holds),
  });
  const reduce = (ending, bytes, summed) => ({
    name: `reduce, ${ending}`,
    bytes,
    summed,
    put: (own, mutant) => writeFileSync(join(own, `file.${ending}`), mutant),
    args: ['reduce', `file.${ending}`, '--with', 'pca', '--set', 'engine=javascript', '--output', 'out.npy'],
    result: (own) => readFileSync(join(own, 'out.npy')).toString('base64'),
  });
  const frames = (format, summed) => ({
    name: `run, ${format}`,
    bytes: readFileSync(join(folder, format, `frame_3.${format}`)),
    summed,
    put(own, mutant) {
      mkdirSync(join(own, 'frames'));
      for (const name of readdirSync(join(folder, format)))
        writeFileSync(join(own, 'frames', name), readFileSync(join(folder, format, name)));
      writeFileSync(join(own, 'frames', `frame_3.${format}`), mutant);
      writeFileSync(join(own, 'p.yaml'), saving.replace('FRAMES', 'frames'));
    },
    args: ['run', 'p.yaml', '--output', 'out'],
    result: pictures,
  });
  const pt = await encodePt(content);
  const safetensors = await encodeSafetensors(content);
  return [
    inspect('pt', pt, true),
    inspect('npz', await encodeNpz(content), true),
    inspect('safetensors', safetensors, false),
    reduce('pt', pt, true),
    reduce('safetensors', safetensors, false),
    frames('png', true),
    frames('jpeg', false),
    {
      name: 'run, saved model',
      bytes: readFileSync(join(folder, 'made', 'pca.safetensors')),
      summed: true,
      put(own, mutant) {
        writeFileSync(join(own, 'model.safetensors'), mutant);
        writeFileSync(join(own, 'p.yaml'), pipeline('model: model.safetensors').replace('FRAMES', '../png'));
      },
      args: ['run', 'p.yaml', '--output', 'out'],
      result: pictures,
    },
    {
      name: 'run, features',
      bytes: readFileSync(join(folder, 'made', 'features', features)),
      summed: false,
      put(own, mutant) {
        mkdirSync(join(own, 'features'));
        writeFileSync(join(own, 'features', features), mutant);
        writeFileSync(join(own, 'p.yaml'), later.replace('FEATURES', 'features'));
      },
      args: ['run', 'p.yaml', '--output', 'out'],
      result: pictures,
    },
    {
      name: 'run, pipeline',
      bytes: new TextEncoder().encode(saving.replace('FRAMES', '../png')),
      summed: false,
      put: (own, mutant) => writeFileSync(join(own, 'p.yaml'), mutant),
      args: ['run', 'p.yaml', '--output', 'out'],
      result: pictures,
    },
  ];
}

/**
 * Feeds `count` mutants, `lanes` at a time. Returns a row of counts for each command and kind of file, and what is bad.
 */
export async function commandMutants({ count, seed = 1, lanes = 2 }) {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
  const env = { DEEPEARTH_CACHE: join(folder, 'cache') };
  const bad = [];
  const rows = [];
  try {
    for (const subject of await makeSubjects(folder, env)) {
      const feed = async (bytes) => {
        const own = mkdtempSync(join(folder, 'one-'));
        try {
          subject.put(own, bytes);
          const peak = join(own, 'peak.txt');
          const ended = await runCommand(subject.args, {
            cwd: own,
            env: { ...env, FAULTS_PEAK: peak },
            preload: preloads.peakMemory,
            limitMilliseconds: 60_000,
          });
          const [kibibytes = 0, seconds = 0] = readIfThere(peak).split(' ').map(Number);
          return {
            ...ended,
            seconds,
            megabytes: kibibytes / 1024,
            result: ended.status === 0 ? subject.result(own, ended) : undefined,
          };
        } finally {
          rmSync(own, { recursive: true, force: true });
        }
      };
      const good = await feed(subject.bytes);
      if (good.status !== 0) throw new Error(`${subject.name} does not run by itself: ${good.stderr}`);
      const tally = { refused: 0, same: 0, other: 0, faults: 0, slowest: 0, most: 0 };
      let next = 0;
      const lane = async () => {
        while (next < Math.ceil(count / 10)) {
          const number = next++;
          const mutant = mutate(subject.bytes, seed * 1_000_003 + number);
          const ended = await feed(mutant.bytes);
          const outcome = ended.status !== 0 ? 'refused' : ended.result === good.result ? 'same' : 'other';
          tally[outcome]++;
          tally.slowest = Math.max(tally.slowest, ended.seconds);
          tally.most = Math.max(tally.most, ended.megabytes);
          const faults = [
            /^\s+at .*:\d+:\d+/m.test(ended.stderr) && 'a stack trace',
            /fault of DeepEarth/.test(ended.stderr) && 'a fault of the program',
            ![0, 1, 2, 3, 4].includes(ended.status) && `status ${ended.status}`,
            ended.status !== 0 && !/error:|skipped/.test(ended.stderr) && 'no word of what is wrong',
            // Seconds that it computed, since others may share the machine; one that waits for ever is ended by
            // SIGKILL.
            ended.seconds > limits.seconds && `computed for ${ended.seconds.toFixed(1)} s`,
            ended.megabytes > limits.megabytes && `${ended.megabytes.toFixed(0)} MB`,
            outcome === 'other' && subject.summed && 'other numbers in spite of a checksum',
          ].filter(Boolean);
          if (faults.length > 0) tally.faults++;
          for (const fault of faults)
            bad.push(`${subject.name}: mutant ${number}, ${mutant.what}: ${fault}\n${ended.stderr.slice(0, 1500)}`);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      const { refused, same, other, faults, slowest, most } = tally;
      rows.push([subject.name, next, refused, same, other, faults, slowest.toFixed(1), most.toFixed(0)]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { rows, bad };
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
