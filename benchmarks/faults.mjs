// Does to runs what disks, networks, people and kernels do to them, and says what became of it:
//
//   node benchmarks/faults.mjs kills [KILLS, 200] [SEED, 1] [PIPELINE …]   kill -9, then --resume
//   node benchmarks/faults.mjs cancels [RUNS, 60] [SEED, 1]      Ctrl-C
//   node benchmarks/faults.mjs mutants [FILES, 3000] [SEED, 1]   damaged files
//   node benchmarks/faults.mjs races [TIMES, 500] [SEED, 1]      two runs for one folder
//   node benchmarks/faults.mjs shards [KILLS, 200] [SEED, 1]     kill -9 of shards, their second wave, and the merge
//   node benchmarks/faults.mjs queue [KILLS, 200] [SEED, 1] [LOG]  workers of a queue, their jobs, and Redis; what is in LOG counts
//   node benchmarks/faults.mjs surroundings [RUNS, 30] [SEED, 1] [KIND …]  full disks, broken networks, clocks, poison frames
//
// Exit 1 where something came out that should not. Needs a build (npx tsc -b).

import { seededRandom } from '@deepearth/testing/random';

const [what, count, seed = '1', ...names] = process.argv.slice(2);
const number = (value, otherwise) => (value === undefined ? otherwise : Number(value));

const faults = {
  async kills() {
    const { killRuns } = await import('./faults/kills.mjs');
    const { trials, killed } = await killRuns({
      count: number(count, 200),
      seed: Number(seed),
      ...(names.length > 0 && { names }),
      tell: ({ name, over, coldCache, kills, killed: hit, harm, folder }) => {
        const where = `${over ? ' over a larger run' : ''}${coldCache ? ', cold cache' : ''}`;
        console.log(`${name}${where}: ${kills.join(', then ')}: ${hit} killed, ${harm.length} wrong`);
        for (const line of harm) console.log(`  ${line}`);
        if (harm.length > 0) console.log(`  see ${folder}`);
      },
    });
    const harmed = trials.filter(({ harm }) => harm.length > 0).length;
    console.log(`${killed} kills in ${trials.length} folders, ${harmed} of them not as they should be.`);
    return harmed === 0;
  },

  async cancels() {
    const { cancelRuns, cancelPipelines } = await import('./faults/cancels.mjs');
    const isWell = ({ status, manifest, locks }) => status === 130 && manifest === 'cancelled' && locks.length === 0;
    const results = await cancelRuns({
      times: Math.ceil(number(count, 60) / Object.keys(cancelPipelines).length),
      random: seededRandom(Number(seed)),
      tell: (result) => {
        const { pipeline, status, stopMilliseconds, manifest, locks, stderr } = result;
        const line = `${pipeline}: ${status}, ${stopMilliseconds.toFixed(0)} ms, manifest ${manifest}, locks ${locks.length}`;
        console.log(isWell(result) ? line : `${line}\n${stderr}`);
      },
    });
    const times = results.map(({ stopMilliseconds }) => stopMilliseconds).sort((a, b) => a - b);
    const bad = results.filter((result) => !isWell(result)).length;
    console.log(
      `${results.length} runs, ${bad} ended otherwise than they should; from signal to end: median ${times[times.length >> 1]?.toFixed(0)} ms, most ${times.at(-1)?.toFixed(0)} ms.`,
    );
    return bad === 0;
  },

  async mutants() {
    const { readMutants } = await import('./faults/mutants.mjs');
    const { commandMutants } = await import('./faults/command-mutants.mjs');
    // Starting the command takes a thousand times as long as reading a small file.
    const through = Math.ceil(number(count, 3000) / 10);
    const read = await readMutants({ count: number(count, 3000) - through, seed: Number(seed) });
    const { rows, bad } = await commandMutants({ count: through, seed: Number(seed) });
    console.log('\n| command | mutants | refused | same | other | faults | slowest, s | most MB |');
    console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
    for (const row of rows) console.log(`| ${row.join(' | ')} |`);
    for (const line of bad) console.log(line);
    return read && bad.length === 0;
  },

  async shards() {
    const { killShards } = await import('./faults/shards.mjs');
    const { trials, killed } = await killShards({
      count: number(count, 200),
      seed: Number(seed),
      ...(names.length > 0 && { names }),
      tell: ({ name, kills, redone, harm, folder }) => {
        console.log(`${name}: ${kills.join(', ') || 'no kill'}: ${redone} started again, ${harm.length} wrong`);
        for (const line of harm) console.log(`  ${line}`);
        if (harm.length > 0) console.log(`  see ${folder}`);
      },
    });
    const harmed = trials.filter(({ harm }) => harm.length > 0).length;
    const redone = trials.reduce((sum, each) => sum + each.redone, 0);
    const all = killed.encode + killed.place + killed.merge;
    console.log(
      `${all} kills (${killed.encode} while encoding, ${killed.place} while fitting and placing, ${killed.merge} of the merge) in ${trials.length} folders, ${harmed} of them not as they should be; ${redone} jobs started again.`,
    );
    return harmed === 0 && redone <= all;
  },

  async queue() {
    const { killWorkers } = await import('./faults/queue.mjs');
    const { rounds, killed } = await killWorkers({
      count: number(count, 200),
      seed: Number(seed),
      ...(names.length > 0 && { log: names[0] }),
      tell: ({ kills, begunAgain, wentOn, writtenAgain, harm }) => {
        const done = kills.map(({ process, kind }) => `${process} at ${kind}`).join(', ') || 'no kill';
        console.log(
          `${done}: ${begunAgain} jobs started again, ${wentOn} of them had more to do, ${writtenAgain} files written again, ${harm.length} wrong`,
        );
        for (const line of harm) console.log(`  ${line}`);
      },
    });
    const sum = (key) => rounds.reduce((all, each) => all + each[key], 0);
    const kinds = ['shard', 'wave', 'fit', 'place', 'merge'];
    console.log(`\n| killed | ${kinds.join(' | ')} |\n| --- | ${kinds.map(() => '---').join(' | ')} |`);
    for (const process of ['worker', 'job', 'device', 'redis', 'empty redis'])
      console.log(`| ${process} | ${kinds.map((kind) => killed[`${process} at ${kind}`] ?? '').join(' | ')} |`);
    const harmed = rounds.filter(({ harm }) => harm.length > 0).length;
    console.log(
      `\n${Object.values(killed).reduce((all, each) => all + each, 0)} kills in ${rounds.length} folders, ${harmed} of them not as they should be; ${sum('begunAgain')} jobs started again, ${sum('wentOn')} of them had more to do; ${sum('writtenAgain')} files written again.`,
    );
    return harmed === 0;
  },

  async surroundings() {
    const { changeSurroundings } = await import('./faults/surroundings.mjs');
    const rounds = await changeSurroundings({
      count: number(count, 30),
      random: seededRandom(Number(seed)),
      ...(names.length > 0 && { kinds: names }),
      tell: ({ kind, done, skipped, harm }) => {
        console.log(
          skipped ? `${kind}: left out, since ${skipped} is missing` : `${kind}: ${done}: ${harm.length} wrong`,
        );
        for (const line of harm) console.log(`  ${line}`);
      },
    });
    const harmed = rounds.filter(({ harm }) => harm.length > 0).length;
    console.log(`${rounds.length} runs, ${harmed} of them not as they should be.`);
    return harmed === 0;
  },

  async races() {
    const { raceForLocks } = await import('./faults/races.mjs');
    const counts = await raceForLocks({ times: number(count, 500), random: seededRandom(Number(seed)) });
    for (const [outcome, times] of Object.entries(counts)) console.log(`${times}  ${outcome}`);
    return !Object.keys(counts).some((outcome) => /both|failed/.test(outcome));
  },
};

if (!(what in faults)) {
  console.error(`Name one of: ${Object.keys(faults).join(', ')}.`);
  process.exit(2);
}
process.exitCode = (await faults[what]()) ? 0 : 1;
