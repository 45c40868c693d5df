// Loaded with `node --import` into a command that is to be killed at a file operation: it tells every operation that
// changes files, and kills the process (SIGKILL) at the one that FAULTS_KILL names. What a process does with files is
// all that a kill can leave behind, so this meets every state there is, however short.
//
//   FAULTS_LOG   file that gets the kind of each operation, a line each
//   FAULTS_KILL  { kind, index, position }: the operation, the index-th (from 0) of its kind; position is
//                before, meanwhile (asked for, not waited for), half (of a write) or after
//   FAULTS_WRITTEN  file that gets a line for each file that comes to its name: the process, a space, the path in the output
//   FAULTS_OUTPUT  the output folder

import { appendFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { FAULTS_LOG: log, FAULTS_KILL: kill, FAULTS_WRITTEN: written, FAULTS_OUTPUT: output } = process.env;

/** What an operation on a path belongs to. */
function kindOf(operation, path) {
  const whole = relative(output, resolve(String(path)));
  if (/^\.deepearth\/shards\/fits\//.test(whole)) return 'fit';
  // A shard's store has the same parts as an output folder.
  const inside = whole.replace(/^\.deepearth\/shards\/\d+-of-\d+[^/]*\//, '');
  if (inside.startsWith('..')) return 'outside';
  if (/^\.deepearth\/lock/.test(inside)) return 'lock';
  if (/^\.deepearth\/journal/.test(inside)) return 'journal';
  if (/^\.deepearth\/work/.test(inside)) return 'work';
  if (/^\.deepearth\/parts/.test(inside)) return 'part';
  if (inside === '' || inside.startsWith('.deepearth')) return 'state';
  if (inside === 'manifest.json') return 'manifest';
  return operation === 'rm' || operation === 'rmdir' ? 'stale' : 'output';
}

const aim = kill === undefined ? undefined : JSON.parse(kill);
const counts = new Map();
const die = () => process.kill(process.pid, 'SIGKILL');

/** Does an operation, and dies where the aim is at it. `half` does half of it. */
function perform(operation, path, act, half) {
  const kind = kindOf(operation, path);
  const index = counts.get(kind) ?? 0;
  counts.set(kind, index + 1);
  if (log !== undefined) appendFileSync(log, `${kind}\n`);
  if (aim?.kind !== kind || aim.index !== index) return act();
  if (aim.position === 'before') die();
  if (aim.position === 'half' && half) return half().then(die);
  const acting = act();
  if (aim.position === 'meanwhile') die();
  return acting.finally(die);
}

function observe() {
  const opened = new WeakMap();
  const { open } = fs;
  for (const operation of ['mkdir', 'rm', 'rmdir', 'unlink', 'utimes', 'writeFile', 'appendFile', 'truncate', 'cp']) {
    const original = fs[operation];
    fs[operation] = (path, ...rest) => perform(operation, path, () => original(path, ...rest));
  }
  // What counts is the name that a file gets.
  for (const operation of ['rename', 'link', 'copyFile']) {
    const original = fs[operation];
    fs[operation] = (from, to, ...rest) =>
      perform(operation, to, async () => {
        const result = await original(from, to, ...rest);
        if (written !== undefined && /^(output|fit)$/.test(kindOf(operation, to)) && !/\.deepearth\/lock/.test(to))
          appendFileSync(written, `${process.pid} ${relative(output, resolve(String(to)))}\n`);
        return result;
      });
  }
  fs.open = async (path, flags, ...rest) => {
    const act = () => open(path, flags, ...rest);
    const handle = await (flags === undefined || flags === 'r' ? act() : perform('open', path, act));
    if (flags !== undefined && flags !== 'r') opened.set(handle, path);
    return handle;
  };
  return open(process.execPath, 'r').then(async (handle) => {
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    for (const operation of ['write', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate', 'utimes']) {
      const original = prototype[operation];
      prototype[operation] = function (...args) {
        if (!opened.has(this)) return original.apply(this, args);
        const [data] = args;
        const half =
          operation === 'write' && data instanceof Uint8Array && data.byteLength > 1
            ? () => original.call(this, data.subarray(0, data.byteLength >> 1), 0)
            : undefined;
        return perform(operation, opened.get(this), () => original.apply(this, args), half);
      };
    }
    syncBuiltinESMExports();
  });
}

// Processes and threads of the command inherit how it was started.
if (isMainThread && process.argv[1]?.endsWith('deepearth.js') && output !== undefined) await observe();
