// Runs a pipeline inside a program: node examples/embed.mjs [OUTPUT]

import { definePipeline, use } from '@deepearth/core';
import { run } from '@deepearth/runtime';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { overlay } from '@deepearth/renderers/overlay';
import { gif } from '@deepearth/sinks/gif';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';

const pipeline = definePipeline([
  use(synthetic, { count: 16 }),
  use(sliding),
  use(vjepa2),
  use(pcaStage),
  use(overlay),
  use(gif, { fps: 8 }),
]);
const { events$, result } = run(pipeline, {
  output: process.argv[2] ?? 'embed-output',
  signal: AbortSignal.timeout(120_000),
});

events$.subscribe((event) => event.type === 'artifact' && console.log(`wrote ${event.path}`));
const { manifest } = await result;
console.log(manifest.status, manifest.stages.map(({ id, out }) => `${id} ${out}`).join(', '));
