// Kills runs with SIGKILL, at random moments and at random file operations, resumes them, and compares what is there
// with an undisturbed run, byte for byte.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '@deepearth/testing/random';
import sharp from 'sharp';
import { preloads, runCommand } from './command.mjs';
import { pipelines } from './pipelines.mjs';

/** Files that are not a run's own; some look as if they were. */
const foreign = {
  'notes.txt': 'mine',
  'old.part': 'mine too',
  'features/readme.md': 'what I think of these',
  'features/features_frames_0900_0915.safetensors': 'from elsewhere',
  'colours/frame_009999.png': 'by hand',
  'mine/deep/data.bin': 'data',
};

const positions = ['before', 'meanwhile', 'half', 'after'];

const digest = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Digests of all files below a folder, by path; those of the runtime's own folder are apart. */
function filesOf(folder) {
  const files = new Map();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path), entry.isFile() ? digest(path) : 'no file');
  }
  return files;
}

/** Empty folders below a folder. */
const emptyFolders = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readdirSync(path).length === 0)
    .map((path) => relative(folder, path));

const isState = (path) => path.startsWith('.deepearth');
const isBook = (path) => path === 'manifest.json';

export function putForeign(folder) {
  for (const [path, text] of Object.entries(foreign)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Processes (of this machine's Linux) that were started with this folder for temporary files. */
export function processesOf(temporary) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`TMPDIR=${temporary}\0`);
    } catch {
      return false;
    }
  });
}

/**
 * What killed commands must not leave: parts in their cache, temporary files, and processes, which may take 5 s to end.
 */
export async function leftBehind(cache, temporary) {
  const harm = [];
  for (const path of filesOf(cache).keys())
    if (/\.part|\.tmp|lock/.test(path)) harm.push(`${path} is left in the cache`);
  for (const path of readdirSync(temporary)) harm.push(`${path} is left among temporary files`);
  for (let tries = 0; processesOf(temporary).length > 0; tries++) {
    if (tries === 50) {
      harm.push('a process of a killed command is still there');
      break;
    }
    await pause(100);
  }
  return harm;
}

/** A folder with pictures, pipelines, results of undisturbed runs and the file operations that these do. */
export async function prepare(folder, names) {
  mkdirSync(join(folder, 'frames'));
  const random = seededRandom(5);
  for (let number = 0; number < 40; number++) {
    const pixels = Uint8Array.from(
      { length: 96 * 64 * 3 },
      (_, i) => 120 + 60 * Math.sin((i + number * 9) / 70) + 60 * random(),
    );
    await sharp(pixels, { raw: { width: 96, height: 64, channels: 3 } })
      .png()
      .toFile(join(folder, 'frames', `frame_${String(number).padStart(4, '0')}.png`));
  }
  const prepared = {};
  for (const name of names) {
    const yaml = { smaller: `${name}.yaml`, larger: `${name}-larger.yaml` };
    writeFileSync(join(folder, yaml.smaller), pipelines[name](false));
    writeFileSync(join(folder, yaml.larger), pipelines[name](true));
    if (name === 'again' && !existsSync(join(folder, 'features'))) {
      writeFileSync(join(folder, 'tokens.yaml'), pipelines.colours(true));
      await undisturbed(folder, 'tokens.yaml', 'tokens');
      cpSync(join(folder, 'tokens', 'features'), join(folder, 'features'), { recursive: true });
    }
    const former = join(folder, `${name}-former`);
    putForeign(former);
    await undisturbed(folder, yaml.larger, `${name}-former`);
    const whole = join(folder, `${name}-whole`);
    putForeign(whole);
    const fresh = await undisturbed(folder, yaml.smaller, `${name}-whole`, true);
    cpSync(former, join(folder, `${name}-over`), { recursive: true });
    const over = await undisturbed(folder, yaml.smaller, `${name}-over`, true);
    prepared[name] = {
      yaml: yaml.smaller,
      former,
      whole: filesOf(whole),
      before: filesOf(former),
      bySize: { fresh, over },
    };
    const differing = differences(prepared[name], join(folder, `${name}-over`));
    if (differing.length > 0)
      throw new Error(`${name}: over a former run comes something else: ${differing.join('; ')}`);
  }
  return prepared;
}

async function undisturbed(folder, yaml, output, logged = false) {
  const log = join(folder, `${output}.log`);
  const ended = await runCommand(['run', yaml, '--output', output], {
    cwd: folder,
    env: {
      DEEPEARTH_CACHE: join(folder, 'cache'),
      ...(logged ? { FAULTS_LOG: log, FAULTS_OUTPUT: join(folder, output) } : {}),
    },
    ...(logged && { preload: preloads.fileOperations }),
  });
  if (ended.status !== 0) throw new Error(`${yaml} does not run by itself (${ended.status}): ${ended.stderr}`);
  return { milliseconds: ended.milliseconds, operations: logged ? operationsIn(log) : {} };
}

/** What is wrong with a folder in which a run has just been killed. */
export function harmAtKill({ whole, before }, folder, over) {
  const harm = [];
  const files = filesOf(folder);
  for (const [path, sum] of files) {
    if (isState(path)) continue;
    if (isBook(path)) {
      try {
        JSON.parse(readFileSync(join(folder, path), 'utf8'));
      } catch {
        harm.push('the manifest is half-written');
      }
    } else if (sum !== whole.get(path) && !(over && sum === before.get(path)) && !(path in foreign))
      harm.push(`${path} is there, and is neither the old nor the new one`);
  }
  if (over)
    for (const path of before.keys())
      if (!isState(path) && whole.has(path) && !files.has(path)) harm.push(`${path} is gone, which both runs have`);
  return [...harm, ...foreignHarm(files)];
}

/** Foreign files that are lost or changed. */
const foreignHarm = (files) =>
  Object.entries(foreign)
    .filter(([path, text]) => files.get(path) !== createHash('sha256').update(text).digest('hex'))
    .map(([path]) => `the foreign file ${path} is lost or changed`);

/** How a finished folder differs from the undisturbed one. */
export function differences({ whole }, folder) {
  const files = filesOf(folder);
  const found = [];
  for (const path of new Set([...whole.keys(), ...files.keys()]))
    if (!isBook(path) && files.get(path) !== whole.get(path))
      found.push(`${path} ${!files.has(path) ? 'is missing' : whole.has(path) ? 'differs' : 'is left over'}`);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  if (manifest.status !== 'done') found.push(`the manifest says ${manifest.status}`);
  const listed = new Map(manifest.outputs.map(({ path, sha256 }) => [path, sha256]));
  for (const [path, sum] of files)
    if (!isState(path) && !isBook(path) && !(path in foreign) && listed.get(path) !== sum)
      found.push(`the manifest has not ${path} as it is`);
  const state = existsSync(join(folder, '.deepearth')) ? readdirSync(join(folder, '.deepearth')) : [];
  const empty = emptyFolders(folder);
  return [
    ...found,
    ...state.map((name) => `.deepearth/${name} is left over`),
    ...empty.map((path) => `${path} is empty`),
  ];
}

/** Kinds of file operations, and how many there were of each, from a log of `preloads.fileOperations`. */
export function operationsIn(log) {
  const operations = {};
  for (const kind of readFileSync(log, 'utf8').trimEnd().split('\n')) operations[kind] = (operations[kind] ?? 0) + 1;
  return operations;
}

/** Draws how a run is killed: a moment, or an operation of a kind that is as likely as any other kind. */
export function drawKill(random, { milliseconds, operations }) {
  const below = (n) => Math.floor(random() * n);
  // Reading the command's own files takes the first part of the time, in which there is nothing to lose.
  if (random() < 0.4) return { after: milliseconds * (0.2 + 0.8 * random()) };
  const kinds = Object.keys(operations).sort();
  const kind = kinds[below(kinds.length)];
  return { kind, index: below(operations[kind]), position: positions[below(positions.length)] };
}

export const killText = ({ after, kind, index, position }) =>
  kind === undefined ? `after ${after.toFixed(0)} ms` : `${position} ${kind} ${index}`;

async function trial(folder, prepared, number, seed) {
  const random = seededRandom(Math.imul(seed, 1_000_003) + number);
  const names = Object.keys(prepared);
  const name = names[number % names.length];
  const { yaml, former, bySize } = prepared[name];
  const over = random() < 0.5;
  // Now and then the built-in model is not in the cache yet, too; where there is no archive, which holds the cache's
  // path.
  const coldCache = name === 'umap' && random() < 0.4;
  const own = mkdtempSync(join(folder, 'trial-'));
  const [output, temporary, cache] = [join(own, 'output'), join(own, 'tmp'), join(coldCache ? own : folder, 'cache')];
  mkdirSync(temporary);
  if (over) cpSync(former, output, { recursive: true });
  else putForeign(output);
  const env = { DEEPEARTH_CACHE: cache, TMPDIR: temporary };
  const harm = [];
  const kills = [];
  let killed = 0;
  const times = random() < 0.25 ? 2 : 1;
  try {
    for (let time = 0; time < times; time++) {
      const kill = drawKill(random, over ? bySize.over : bySize.fresh);
      kills.push(killText(kill));
      const args = ['run', yaml, '--output', output, ...(time > 0 ? ['--resume'] : [])];
      const ended = await runCommand(args, {
        cwd: folder,
        ...(kill.kind === undefined
          ? { env, signal: 'SIGKILL', signalAfter: kill.after }
          : {
              env: { ...env, FAULTS_OUTPUT: output, FAULTS_KILL: JSON.stringify(kill) },
              preload: preloads.fileOperations,
            }),
      });
      if (ended.status === 'SIGKILL') killed++;
      else if (ended.status !== 0)
        harm.push(`the run that was to be killed ended with ${ended.status}: ${ended.stderr}`);
      harm.push(...harmAtKill(prepared[name], output, over));
    }
    const resumed = await runCommand(['run', yaml, '--output', output, '--resume'], { cwd: folder, env });
    if (resumed.status !== 0) harm.push(`--resume ends with ${resumed.status}: ${resumed.stderr.slice(0, 2000)}`);
    else harm.push(...differences(prepared[name], output));
    harm.push(...(await leftBehind(cache, temporary)));
  } finally {
    if (harm.length === 0) rmSync(own, { recursive: true, force: true });
  }
  return { name, over, coldCache, kills, killed, harm, folder: own };
}

/**
 * Kills until `count` runs were killed by SIGKILL (some end before), `lanes` at a time. Returns the trials; the folders
 * of those with harm stay.
 */
export async function killRuns({ count, seed = 1, lanes = 2, names = Object.keys(pipelines), tell = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'kills-'));
  const prepared = await prepare(folder, names);
  const trials = [];
  let [killed, number] = [0, 0];
  const lane = async () => {
    while (killed < count && number < 3 * count + 10) {
      const one = await trial(folder, prepared, number++, seed);
      killed += one.killed;
      trials.push(one);
      tell(one);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (trials.every(({ harm }) => harm.length === 0)) rmSync(folder, { recursive: true, force: true });
  return { trials, killed };
}
