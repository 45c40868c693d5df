// Ctrl-C at random moments of pipelines with PCA, UMAP and k-means: node benchmarks/cancel.mjs [TIMES EACH]
// Every run has to end with 130, with a manifest that says so and no lock; the time from the signal to the end is told.

import { fileURLToPath } from 'node:url';
import { cancelRuns } from './support/cancel-runs.mjs';

const times = Number(process.argv[2] ?? 20);
const encoder = fileURLToPath(new URL('./support/wide-tokens.mjs', import.meta.url));

/** Frames, tokens, one reducer, pictures, a GIF and a zip. */
const pipeline = (channels, reducer, options = '{}') => `name: cancel
plugins: [${JSON.stringify(encoder)}]
stages:
  - { id: frames, type: source/synthetic, with: { count: 96, width: 96, height: 96 } }
  - { id: clips, type: windower/sliding }
  - { id: tokens, type: encoder/wide, with: { channels: ${channels} } }
  - { id: features, type: sink/features }
  - { id: reduced, type: reducer/${reducer}, from: tokens, with: ${options} }
  - { id: colours, type: renderer/tokens, with: { cellPixels: 8 } }
  - { id: pictures, type: sink/pictures }
  - { id: gif, type: sink/gif, from: colours }
  - { id: package, type: sink/package, from: [features, pictures, gif] }
`;

// Wide tokens for PCA: ONNX Runtime multiplies them in a thread.
const pipelines = {
  pca: pipeline(768, 'pca', '{ engine: onnx }'),
  umap: pipeline(64, 'umap', '{ epochs: 60 }'),
  kmeans: pipeline(64, 'kmeans'),
};

const results = await cancelRuns({
  pipelines,
  times,
  tell: ({ pipeline: name, status, stopMilliseconds, manifest, locks, stderr }) => {
    const well = status === 130 && manifest === 'cancelled' && locks.length === 0;
    console.log(
      `${name}: ${status}, ${stopMilliseconds.toFixed(0)} ms, manifest ${manifest}, locks ${locks.length}${well ? '' : `\n${stderr}`}`,
    );
  },
});
const slowest = results.map(({ stopMilliseconds }) => stopMilliseconds).sort((a, b) => a - b);
const bad = results.filter(({ status, manifest, locks }) => status !== 130 || manifest !== 'cancelled' || locks.length);
console.log(
  `${results.length} runs, ${bad.length} ended otherwise than they should; from signal to end: median ${slowest[slowest.length >> 1]?.toFixed(0)} ms, most ${slowest.at(-1)?.toFixed(0)} ms.`,
);
process.exitCode = bad.length ? 1 : 0;
