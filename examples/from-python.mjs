// What the Python extractor was used for, in a program of one's own: node examples/from-python.mjs FRAME...
// [FEATURES.pt], with 16 frames. MODEL names another checkpoint than the built-in one.

import { aggregate, hierarchicalPool } from '@deepearth/aggregators';
import { reshape } from '@deepearth/core/tensor';
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

// extractor.aggregate_features(features, method=…)
for (const method of ['mean', 'max', 'cls', 'spatial_mean']) print(method, aggregate(tokens, method));

// features.mean(dim=0).view(24, 24, D)
print('mean of each place', aggregate(tokens, 'temporal-mean'));

// extractor.get_spatial_features(features, frame=3)
print('step 3', tokens.frame(3));

// features_4d[:, 12, 12]
print('one place through time', tokens.place(12, 12));

// hierarchical_pool(features, extractor)
for (const [part, values] of Object.entries(hierarchicalPool(tokens))) print(part, values);
await extractor.dispose();

// torch.load('features_frames_0000_0015.pt')['features']
if (features) {
  const file = await readTensorFile(features);
  const stored = await file.tensor('features').read(); // float16, [tokens, channels]
  print('a file', stored);
  print('its mean', aggregate({ values: stored }, 'mean'));
  print('its mean of each step', aggregate({ values: reshape(stored, tokens.shape) }, 'spatial_mean'));
  await file.close();
}
