// The attentive classifier: conformance, and its own rules.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clip, TokenGrid } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { describeStage, given, makeClips, seededNormal } from '@deepearth/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCheckpoint } from '@deepearth/onnx/checkpoint';
import { vjepa2Family } from './family.ts';
import { probe, type Classification } from './probe.ts';
import { expectedProbe } from './probe-graph.ts';
import { openProbe, probeHeads } from './probe-model.ts';
import { vjepa2 } from './vjepa2.ts';

const root = mkdtempSync(join(tmpdir(), 'deepearth-probe-'));
const model = join(root, 'tuned');
const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const labels = ['flood', 'fire', 'calm', 'cloud'];
let tokens: TokenGrid[];

/** The 2.0 fixture with a classifier of seeded weights on top. */
async function tune(folder: string, change: (tensors: Map<string, Tensor>) => void = () => undefined): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = await openSafetensors(bytesSource(readFileSync(fixture('v2/model.safetensors'))));
  const tensors = new Map<string, Tensor>();
  for (const [name, lazy] of file.tensors) tensors.set(`vjepa2.${name}`, await lazy.read());
  const normal = seededNormal(5);
  for (const [name, shape] of expectedProbe({ hiddenSize: 32, blocks: 2, labels: labels.length }))
    tensors.set(
      name,
      tensor(
        'float32',
        shape,
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => normal() * 0.3),
      ),
    );
  change(tensors);
  writeFileSync(join(folder, 'model.safetensors'), await encodeSafetensors(tensors));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      ...(JSON.parse(readFileSync(fixture('v2/config.json'), 'utf8')) as object),
      id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
    }),
  );
}

async function encode(source: string, clips: readonly Clip[]): Promise<TokenGrid[]> {
  const made: TokenGrid[] = [];
  for await (const item of runStage(vjepa2, { options: { model: source, device: 'cpu' }, inputs: [given(clips)] }))
    made.push(item as TokenGrid);
  return made;
}

beforeAll(async () => {
  process.env['DEEPEARTH_CACHE'] = join(root, 'cache');
  await tune(model);
  tokens = await encode(model, makeClips(4, { time: 4, width: 60, height: 60 }));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describeStage(probe, {
  options: { model },
  inputs: () => [given(tokens)],
  otherOptions: { model, output: 'logits' },
  patienceSeconds: 60,
  output: (items) =>
    (items as Classification[]).forEach(({ values, top, axes, labels: names }) => {
      expect([values.shape, axes, names]).toEqual([[4], ['labels'], labels]);
      expect(values.data.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      expect(top[0]!.probability).toBeCloseTo(Math.max(...values.data), 6);
      expect(top[0]!.label).toBe(labels[values.data.indexOf(Math.max(...values.data))]);
    }),
});

test('tokens of another encoder are refused, whatever their size', async () => {
  const others = await encode(fixture('v2'), makeClips(1, { time: 4, width: 60, height: 60 }));
  const run = async (): Promise<void> => {
    for await (const _ of runStage(probe, { options: { model }, inputs: [given(others)] })) void _;
  };
  await expect(run()).rejects.toThrow(/tokens come from .*the same model in encoder\/vjepa2/s);
});

test('the number of heads changes the output, and ViT-g’s probe has 16', async () => {
  expect([probeHeads(1408, 22), probeHeads(1024, 16)]).toEqual([16, 16]);
  const checkpoint = await openCheckpoint(vjepa2Family, model);
  const answers = [];
  for (const heads of [1, 2]) {
    const opened = await openProbe(checkpoint, { heads });
    answers.push(
      (await opened.classify(tensor('float32', [1, 18, 32], tokens[0]!.values.data as Float32Array))).logits.data,
    );
    await opened.close();
  }
  expect(answers[0]).not.toEqual(answers[1]);
  await expect(openProbe(checkpoint, { heads: 5 })).rejects.toThrow('5 heads do not divide');
  await checkpoint.close();
});

test('a checkpoint without a classifier, and one whose classifier lacks a tensor, say so', async () => {
  const plain = await openCheckpoint(vjepa2Family, fixture('v2'));
  await expect(openProbe(plain)).rejects.toThrow(/has no classifier.*fine-tuned/s);
  await plain.close();
  const torn = join(root, 'torn');
  await tune(torn, (tensors) => {
    tensors.delete('pooler.cross_attention_layer.mlp.fc2.bias');
    tensors.set('pooler.query_tokens', tensor('float32', [1, 2, 32], new Float32Array(64)));
  });
  copyFileSync(join(model, 'config.json'), join(torn, 'config.json'));
  const checkpoint = await openCheckpoint(vjepa2Family, torn);
  await expect(openProbe(checkpoint)).rejects.toThrow(
    /pooler\.query_tokens is \[1, 2, 32\], expected \[1, 1, 32\].*missing pooler\.cross_attention_layer\.mlp\.fc2\.bias \[32\]/s,
  );
  await checkpoint.close();
});
