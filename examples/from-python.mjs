// What the Python extractor was used for, in a program of one's own: node examples/from-python.mjs FRAME...
// [FEATURES.pt], with 16 frames. MODEL names another checkpoint than the built-in one.

import { VJepa2Extractor } from '@deepearth/model-vjepa2';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';

const [frames, features] = [process.argv.slice(2, 18), process.argv[18]];
const print = (what, { shape }) => console.log(`${what}: [${[...shape].join(', ')}]`);

// extractor = VJEPA2Extractor(model_name, device)
const extractor = await VJepa2Extractor.load({ model: process.env.MODEL ?? 'builtin' });

// extractor.extract_features(image)
const image = await extractor.extract(frames[0]);
print('one image', image.values);

// A window of 16 frames
const tokens = await extractor.extract(frames);
print('one window', tokens.values);

// features.reshape(8, 576, D) and features.reshape(8, 24, 24, D)
const [time, height, width, channels] = tokens.shape;
print('tokens by step of time', tokens.reshape([time, height * width, channels]));
print('tokens by place', tokens.reshape([time, height, width, channels]));

// features.mean(0), features.max(0), features[0] and spatial_mean
print('mean', tokens.aggregate('mean'));
print('max', tokens.aggregate('max'));
print('first token', { shape: [tokens.values.data.subarray(0, channels).length] });
print('mean of each step', tokens.aggregate('spatialMean'));
print('mean of each place', tokens.aggregate('temporalMean'));

// The spatial features of step t
print('step 3', tokens.frame(3));

// One place through time: features[:, row, column]
const [row, column] = [12, 12];
const through = Array.from({ length: time }, (_, step) =>
  tokens.frame(step).data.subarray((row * width + column) * channels, (row * width + column + 1) * channels),
);
print('one place through time', { shape: [through.length, through[0].length] });
await extractor.dispose();

// torch.load('features_frames_0000_0015.pt')['features']
if (features) {
  const file = await readTensorFile(features);
  print('a file', file.tensors.get('features'));
  await file.close();
}
