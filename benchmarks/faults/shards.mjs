// Kills the shards and the merge of a pipeline with SIGKILL, at random moments and at random file operations, starts
// each again as a scheduler would, and compares the result with that of one undisturbed run, byte for byte.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@deepearth/testing/random';
import { preloads, runCommand } from './command.mjs';
import {
  differences,
  drawKill,
  harmAtKill,
  killText,
  leftBehind,
  operationsIn,
  prepare,
  putForeign,
} from './kills.mjs';

const shards = 3;
/** Pipelines with an encoder: shards have something to do, and something to fit. */
export const shardPipelines = ['colours', 'umap', 'groups'];

/**
 * The commands of a sharded run. Those of a wave run side by side, and the next wave begins when all have ended well.
 */
const wavesOf = (yaml, output) => {
  const shard = (index) => ['run', yaml, '--output', output, '--shard', `${index + 1}/${shards}`];
  const each = Array.from({ length: shards }, (_, index) => shard(index));
  return { encode: each, place: each, merge: [['merge', yaml, '--output', output]] };
};

/** Runs all of them undisturbed, one after the other; what each takes, and its file operations. */
async function measure(folder, name, yaml) {
  const output = join(folder, `${name}-sharded`);
  putForeign(output);
  const sizes = {};
  for (const [wave, commands] of Object.entries(wavesOf(yaml, output))) {
    sizes[wave] = [];
    for (const [index, args] of commands.entries()) {
      const log = join(folder, `${name}-${wave}-${index}.log`);
      const { status, stderr, milliseconds } = await runCommand(args, {
        cwd: folder,
        env: { DEEPEARTH_CACHE: join(folder, 'cache'), FAULTS_LOG: log, FAULTS_OUTPUT: output },
        preload: preloads.fileOperations,
      });
      if (status !== 0) throw new Error(`${args.join(' ')} does not run by itself (${status}): ${stderr}`);
      sizes[wave].push({ milliseconds, operations: operationsIn(log) });
    }
  }
  return sizes;
}

/** One output folder, in which every command is to be killed once. */
async function trial(folder, prepared, number, seed) {
  const random = seededRandom(Math.imul(seed, 1_000_003) + number);
  const names = Object.keys(prepared);
  const name = names[number % names.length];
  const { yaml, sizes } = prepared[name];
  const own = mkdtempSync(join(folder, 'trial-'));
  const [output, temporary] = [join(own, 'output'), join(own, 'tmp')];
  mkdirSync(temporary);
  putForeign(output);
  const env = { DEEPEARTH_CACHE: join(folder, 'cache'), TMPDIR: temporary };
  const [harm, kills] = [[], []];
  const killed = { encode: 0, place: 0, merge: 0 };
  let redone = 0;
  for (const [wave, commands] of Object.entries(wavesOf(yaml, output))) {
    const first = await Promise.all(
      commands.map(async (args, index) => {
        const kill = drawKill(random, sizes[wave][index]);
        const aim =
          kill.kind === undefined
            ? { env, signal: 'SIGKILL', signalAfter: kill.after }
            : {
                env: { ...env, FAULTS_OUTPUT: output, FAULTS_KILL: JSON.stringify(kill) },
                preload: preloads.fileOperations,
              };
        const { status, stderr } = await runCommand(args, { cwd: folder, ...aim });
        if (status === 'SIGKILL') {
          killed[wave]++;
          kills.push(`${wave} ${index + 1} ${killText(kill)}`);
        } else if (status !== 0) harm.push(`${wave} ${index + 1} was not killed, and ended with ${status}: ${stderr}`);
        return { args, status };
      }),
    );
    harm.push(...harmAtKill(prepared[name], output, false));
    const again = first.filter(({ status }) => status !== 0);
    redone += again.length;
    await Promise.all(
      again.map(async ({ args }) => {
        const { status, stderr } = await runCommand(args, { cwd: folder, env });
        if (status !== 0) harm.push(`${wave}, started again, ended with ${status}: ${stderr.slice(0, 2000)}`);
      }),
    );
  }
  if (existsSync(join(output, 'manifest.json'))) harm.push(...differences(prepared[name], output));
  else harm.push('there is no manifest');
  harm.push(...(await leftBehind(env.DEEPEARTH_CACHE, temporary)));
  if (harm.length === 0) rmSync(own, { recursive: true, force: true });
  return { name, kills, killed, redone, harm, folder: own };
}

/**
 * Kills until `count` commands were killed by SIGKILL (some end before). Returns the trials; the folders of those with
 * harm stay.
 */
export async function killShards({ count, seed = 1, names = shardPipelines, tell = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'shard-kills-'));
  const prepared = await prepare(folder, names);
  for (const name of names) prepared[name].sizes = await measure(folder, name, prepared[name].yaml);
  const trials = [];
  const killed = { encode: 0, place: 0, merge: 0 };
  const all = () => Object.values(killed).reduce((sum, each) => sum + each, 0);
  for (let number = 0; all() < count && number < count + 10; number++) {
    const one = await trial(folder, prepared, number, seed);
    for (const wave of Object.keys(killed)) killed[wave] += one.killed[wave];
    trials.push(one);
    tell(one);
  }
  if (trials.every(({ harm }) => harm.length === 0)) rmSync(folder, { recursive: true, force: true });
  return { trials, killed };
}
