// Digests of what UMAP and PCA return: `NODE same-bytes.mjs TOKENS.npy` prints the same lines for every Node; lines
// that differ only in threads and products have the same digests.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pca } from '@deepearth/reducers/pca';
import { umap } from '@deepearth/reducers/umap';

const bytes = readFileSync(process.argv[2]);
const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
const channels = Number(/'shape': \(\d+, (\d+)\)/.exec(header)[1]);
const tokens = new Float32Array(bytes.buffer, bytes.byteOffset + 10 + header.length);
const digest = (values) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex')
    .slice(0, 12);

console.error(process.version);
for (const options of [{}, { maxFitTokens: 8000, sampleTokens: 4000 }, { init: 'spectral', components: 2 }]) {
  for (const running of [
    { threads: 1 },
    { threads: 2 },
    { threads: 2 },
    { threads: 4 },
    { threads: 2, products: 'wasm' },
  ]) {
    const { embedding, model } = await umap(tokens, { channels, ...options, ...running });
    const placed = await model.transform(tokens.subarray(0, 500 * channels));
    const back = await model.inverse(embedding.subarray(0, 300 * model.components));
    console.log(
      JSON.stringify({
        umap: options,
        running,
        fit: digest(embedding),
        transform: digest(placed),
        inverse: digest(back),
      }),
    );
    await model.close();
  }
}
console.log(JSON.stringify({ pca: digest(await (await pca(tokens, { channels, components: 3 })).transform(tokens)) }));
