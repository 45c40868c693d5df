// Runs drawing.yaml once with the packages of a checkout: node draw-once.mjs CHECKOUT FRAMES OUTPUT prints seconds,
// those of the processor, bytes, and the longest time for which the event loop stood still.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';

const [checkout, frames, output] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(checkout, 'packages', path)).href);
const { loadPipeline } = await load('cli/dist/load-pipeline.js');
const { run } = await load('runtime/dist/run.js');

const { pipeline, registry } = await loadPipeline(fileURLToPath(new URL('../drawing.yaml', import.meta.url)), [
  `frames.with.directory=${frames}`,
]);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const started = performance.now();
const before = process.cpuUsage();
const running = run(pipeline, { output, registry });
const {
  manifest: { outputs },
} = await running.result;
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(before);
delay.disable();
const bytes = outputs.reduce((sum, file) => sum + file.bytes, 0);
if (outputs.length !== 128) throw new Error(`${outputs.length} pictures were written, not 128`);
console.log(JSON.stringify({ seconds, user: user / 1e6, system: system / 1e6, bytes, held: delay.max / 1e6 }));
process.exit(0);
