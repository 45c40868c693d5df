// Encodes a pipeline in three parts and merges them, here one after the other: node examples/scale/shards.mjs [OUTPUT]

import { definePipeline, use } from '@deepearth/core';
import { prepareMerge, prepareShard, run } from '@deepearth/runtime';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { overlay } from '@deepearth/renderers/overlay';
import { gif } from '@deepearth/sinks/gif';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';

const pipeline = definePipeline([
  use(synthetic, { count: 48, width: 128, height: 128 }),
  use(sliding),
  use(vjepa2, { cropSize: 128 }),
  use(pcaStage),
  use(overlay),
  use(gif),
]);
const output = process.argv[2] ?? 'shards-output';

// Each of these may be a process on another machine.
for (const index of [1, 2, 3]) {
  const shard = await prepareShard(pipeline, output, { index, of: 3 });
  if (!shard.empty) await run(shard.pipeline, { output: shard.output, clips: shard.clips, resume: true }).end;
}

const { tokens, remove } = await prepareMerge(pipeline, output);
const { manifest } = await run(pipeline, { output, former: [tokens], resume: true }).result;
await remove();
console.log(manifest.status, manifest.outputs.map(({ path }) => path).join(', '));
