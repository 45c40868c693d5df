// The variants of the graph agree: fused and decomposed attention, single and half precision, whole and cut-up queries.
import { fileURLToPath } from 'node:url';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCheckpoint, type Checkpoint } from '@deepearth/onnx/checkpoint';
import { compareTokens } from '@deepearth/onnx/compare';
import { parseDevice } from '@deepearth/onnx/devices';
import type { GraphRequest } from '@deepearth/onnx/family';
import { openGraph } from '@deepearth/onnx/open-graph';
import type { PlacedWeights } from '@deepearth/onnx/placed-weights';
import { placeWeights } from '@deepearth/onnx/weights';
import type { Architecture } from './architecture.ts';
import { vjepa2Family } from './family.ts';
import { encoderGraph } from './graph.ts';
import { graphInput } from './graph-input.ts';

let checkpoint: Checkpoint<Architecture>;
let placed: PlacedWeights;
beforeAll(async () => {
  checkpoint = await openCheckpoint(vjepa2Family, fileURLToPath(new URL('../fixtures/v2', import.meta.url)));
  placed = await placeWeights(checkpoint, 'fp32');
});
afterAll(() => checkpoint.close());

const noise = (shape: readonly number[]): Tensor<'float32'> =>
  tensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898) * 1.5),
  );

async function run(
  pixels: Tensor<'float32'>,
  options: Partial<GraphRequest<Architecture>>,
): Promise<Tensor<'float32'>> {
  const { architecture } = checkpoint;
  const { feeds, size } = graphInput(architecture, pixels);
  const session = await openGraph(
    vjepa2Family,
    placed,
    { architecture, ...(options.attention === 'decomposed' && { size }), ...options },
    { plan: parseDevice('cpu') },
  );
  try {
    return (await session.run(feeds))['tokens'] as Tensor<'float32'>;
  } finally {
    await session.close();
  }
}

test('decomposed attention returns what the fused one does, and half precision nearly so', async () => {
  const pixels = noise([2, 4, 3, 64, 48]);
  const expected = await run(pixels, {});
  expect(compareTokens(await run(pixels, { attention: 'decomposed' }), expected).relativeError).toBeLessThan(2e-6);
  for (const attention of ['fused', 'decomposed'] as const)
    expect(compareTokens(await run(pixels, { attention, compute: 'float16' }), expected).relativeError).toBeLessThan(
      2e-3,
    );
});

test('queries that are cut up so that their scores fit give the same', async () => {
  // 16 clips x 1,152 tokens squared are 85 MB of scores.
  const pixels = noise([16, 4, 3, 384, 384]);
  const cut = await run(pixels, { attention: 'decomposed', layers: 1 });
  expect(compareTokens(cut, await run(pixels, { layers: 1 })).relativeError).toBeLessThan(2e-6);
});

test('a clip’s output does not depend on the others in its batch', async () => {
  const both = noise([2, 4, 3, 48, 48]);
  const half = both.data.length / 2;
  const [together, alone] = [
    await run(both, {}),
    await run(tensor('float32', [1, 4, 3, 48, 48], both.data.slice(half)), {}),
  ];
  expect(
    compareTokens({ ...alone, data: together.data.slice(together.data.length / 2) }, alone).relativeError,
  ).toBeLessThan(1e-6);
});

test('the same architecture gives the same graph, byte for byte', () => {
  const { architecture } = checkpoint;
  expect(encoderGraph({ architecture, weights: placed.weights })).toEqual(
    encoderGraph({ architecture, weights: placed.weights }),
  );
});
