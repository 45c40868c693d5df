// Times the preparation of one frame (8-bit pixels in memory to normalised floats) in CPU time of its one thread, and
// prints one JSON line per size.
//
//     node benchmarks/preprocess.mjs [repetitions]
import { vjepa2PatchSize, vjepa2Processing } from '../packages/model-vjepa2/dist/processing.js';
import { prepareClip } from '../packages/vision/dist/preprocess.js';

const options = { patchSize: vjepa2PatchSize, tubelet: 2, processing: vjepa2Processing };
const repetitions = Number(process.argv[2] ?? 30);
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

for (const [height, width] of [
  [360, 360],
  [720, 1280],
  [1080, 1920],
  [2160, 3840],
])
  for (const cropSize of [256, 384]) {
    const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 2654435761) >>> 24);
    const raster = { values: { dtype: 'uint8', shape: [height, width, 3], data }, channels: ['red', 'green', 'blue'] };
    const out = new Float32Array(3 * cropSize * cropSize);
    const milliseconds = [];
    for (let i = 0; i < repetitions + 5; i++) {
      const from = process.cpuUsage().user;
      prepareClip([raster], { ...options, cropSize }).pixels(0, 0, out);
      if (i >= 5) milliseconds.push((process.cpuUsage().user - from) / 1000);
    }
    console.log(
      JSON.stringify({
        frame: `${width} x ${height}`,
        crop: cropSize,
        milliseconds: Number(median(milliseconds).toFixed(2)),
      }),
    );
  }
