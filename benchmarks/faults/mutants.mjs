// Damages saved models, .pt, safetensors, npy, zip, processor files and pictures, reads them in this process, and says
// what became of each mutant. Bad is where something is thrown that is not reported to users, and where other numbers
// come out of a file that has a checksum.

import { DeepEarthError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { inspectFile, inspectionJson } from '@deepearth/formats/inspect';
import { encodeNpy } from '@deepearth/formats/npy';
import { encodeNpz, encodePt } from '@deepearth/formats';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { kmeans } from '@deepearth/reducers/kmeans';
import { decodeModel, encodeModel } from '@deepearth/reducers/model-file';
import { pca } from '@deepearth/reducers/pca';
import { restoreReducer } from '@deepearth/reducers/reductions';
import { umap } from '@deepearth/reducers/umap';
import { tryMutants } from '@deepearth/testing/mutate';
import { readProcessor } from '@deepearth/vision/processor-config';
import { readPicture } from '@deepearth/vision/read-picture';
import sharp from 'sharp';

const isReported = (error) => error instanceof DeepEarthError;
const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const tokens = Float32Array.from({ length: 80 * 6 }, (_, i) => Math.sin(i * i + 1) * (1 + (i % 6)));
const content = { tokens: tensor('float32', [80, 6], tokens), mean: tensor('float64', [2], Float64Array.of(1, 2)) };
const holds = async (bytes) => inspectionJson((await inspectFile(bytesSource(bytes, 'file'), { digest: true })).holds);

/** What a saved model makes of tokens. */
const transformed = async (bytes) => {
  const { state, limits } = await decodeModel(bytes, 'model');
  const model = await restoreReducer(state, 'model');
  try {
    return JSON.stringify([limits, [...(await model.transform(tokens))]]);
  } finally {
    await model.close?.();
  }
};
/** Feeds `count` mutants to what reads such files, writes a table, and returns whether all went well. */
export async function readMutants({ count, seed }) {
  const fits = {
    pca: await pca(tokens, { channels: 6 }),
    kmeans: await kmeans(tokens, { channels: 6, clusters: 3 }),
    umap: (await umap(tokens, { channels: 6, epochs: 10, threads: 1, workers: false })).model,
  };
  /** The same without its digest, as it was before there was one. */
  const former = async (bytes) => {
    const { tensors, metadata } = await openSafetensors(bytesSource(bytes));
    const { digest: _digest, ...rest } = Object.fromEntries(metadata);
    return encodeSafetensors(tensors, { ...rest, version: '1' });
  };

  const [width, height] = [96, 80];
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => 128 + 70 * Math.sin((Math.floor(i / 3) % width) / 9) * Math.cos(i / 3 / width / 7) + 20 * Math.sin(i * i),
  );
  const image = () => sharp(pixels, { raw: { width, height, channels: 3 } });
  const decoded = async (bytes) =>
    bytesOf((await readPicture(bytes, { name: 'frame', maxPixels: 2 ** 20 })).values.data);

  const text = (value) => new TextEncoder().encode(JSON.stringify(value));
  const processed = async (bytes) => {
    let json;
    try {
      json = JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new DeepEarthError('no JSON', { code: 'E_PROCESSOR_CONFIG', cause });
    }
    return JSON.stringify(readProcessor(json, 'processor'));
  };

  /** A file, how it is read, and whether all of it is under a checksum. */
  const subjects = [
    ...(await Promise.all(
      Object.entries(fits).map(async ([name, model]) => {
        const bytes = await encodeModel({ state: model.state(), limits: [[0, 1]] });
        return [
          [`model ${name}`, bytes, transformed, true],
          [`model ${name} without a digest`, await former(bytes), transformed, false],
        ];
      }),
    )),
  ].flat();
  subjects.push(
    ['safetensors', await encodeSafetensors(content), holds, false],
    ['npy', encodeNpy(content.tokens), holds, false],
    ['npz', await encodeNpz(content), holds, true],
    ['npz, deflated', await encodeNpz(content, 'deflated'), holds, true],
    ['pt', await encodePt(content), holds, true],
    [
      'processor',
      text({
        video_processor_type: 'VJEPA2VideoProcessor',
        crop_size: { height: 384, width: 384 },
        size: { shortest_edge: 438 },
        image_mean: [0.485, 0.456, 0.406],
        image_std: [0.229, 0.224, 0.225],
        rescale_factor: 1 / 255,
        resample: 2,
      }),
      processed,
      false,
    ],
  );
  for (const [name, file, summed] of [
    ['jpeg', image().jpeg({ quality: 90 }), false],
    ['jpeg, progressive', image().jpeg({ quality: 90, progressive: true }), false],
    ['png', image().png(), true],
    ['webp', image().webp(), false],
    ['tiff, deflated', image().tiff({ compression: 'deflate' }), false],
    ['tiff, LZW', image().tiff({ compression: 'lzw' }), false],
  ])
    subjects.push([name, new Uint8Array(await file.toBuffer()), decoded, summed]);

  console.log(
    '| file | mutants | refused | same | other | faults | slowest, s |\n| --- | --- | --- | --- | --- | --- | --- |',
  );
  let bad = false;
  for (const [name, bytes, read, summed] of subjects) {
    let slowest = 0;
    const timed = async (mutant) => {
      const start = performance.now();
      try {
        return await read(mutant);
      } finally {
        slowest = Math.max(slowest, performance.now() - start);
      }
    };
    const { mutants, refused, same, other, faults, others } = await tryMutants(bytes, timed, isReported, {
      count: Math.ceil(count / subjects.length),
      seed,
    });
    console.log(
      `| ${name} | ${mutants} | ${refused} | ${same} | ${other} | ${faults.length} | ${(slowest / 1000).toFixed(2)} |`,
    );
    for (const line of faults.slice(0, 3)) console.error(`${name}: ${line}`);
    if (summed) for (const line of others.slice(0, 3)) console.error(`${name}: other values: ${line}`);
    bad ||= faults.length > 0 || (summed && other > 0);
  }
  for (const model of Object.values(fits)) await model.close?.();
  return !bad;
}
