// ONNX Runtime is the judge of what the writer makes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@deepearth/core/tensor';
import * as ort from 'onnxruntime-node';
import { afterAll, expect, test } from 'vitest';
import { onnxModel } from './onnx.ts';

const folder = mkdtempSync(join(tmpdir(), 'deepearth-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('ONNX Runtime multiplies matrices as the model says, for any number of rows', async () => {
  const graph = onnxModel({ name: 'product' });
  const x = graph.input('x', 'float32', ['rows', 3]);
  const w = graph.constant('w', tensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)));
  const y = graph.op('MatMul', [x, w], {}, { name: 'product', as: 'y' });
  graph.output(y, 'float32', ['rows', 2]);
  const session = await ort.InferenceSession.create(graph.encode());
  for (const rows of [1, 4]) {
    const answer = await session.run({ x: new ort.Tensor('float32', new Float32Array(rows * 3).fill(1), [rows, 3]) });
    expect(Array.from(answer['y']!.data as Float32Array)).toEqual(Array.from({ length: rows }, () => [9, 12]).flat());
  }
  await session.release();
});

test('attributes of every kind, optional inputs and fused operators arrive', async () => {
  const graph = onnxModel({ name: 'many', metadata: { maker: 'a test' } });
  const x = graph.input('x', 'float32', [1, 4]);
  const [a, b] = graph.ops('Split', [x], { axis: -1, num_outputs: 2 }, { outputs: 2 });
  const clipped = graph.op('Clip', [a!, '', graph.constant('top', tensor('float32', [], Float32Array.of(1.5)))]);
  const leaky = graph.op('LeakyRelu', [b!], { alpha: { float: 0.5 } });
  const joined = graph.op('Concat', [clipped, leaky], { axis: 1 });
  const turned = graph.op('Transpose', [joined], { perm: [1, 0] });
  const fused = graph.op('Gelu', [turned], {}, { domain: 'com.microsoft' });
  const shifted = graph.op('Add', [
    fused,
    graph.op('Constant', [], { value: { tensor: tensor('float32', [1], Float32Array.of(10)) } }),
  ]);
  graph.output(shifted, 'float32', [4, 1]);
  const session = await ort.InferenceSession.create(graph.encode());
  const answer = (await session.run({ x: new ort.Tensor('float32', Float32Array.of(0, 3, 0, -2), [1, 4]) }))[shifted]!;
  expect(answer.dims).toEqual([4, 1]);
  [10, 10 + 1.5 * 0.9331928, 10, 10 - 0.1586553].forEach((value, i) =>
    expect((answer.data as Float32Array)[i]).toBeCloseTo(value, 5),
  );
  await session.release();
});

test('initializers are read from another file at any offset', async () => {
  const bytes = new Uint8Array(7 + 8);
  bytes.set(new Uint8Array(Float32Array.of(2, 3).buffer), 7);
  writeFileSync(join(folder, 'weights.bin'), bytes);
  const graph = onnxModel({ name: 'external' });
  const x = graph.input('x', 'float32', [2]);
  const y = graph.op('Mul', [
    x,
    graph.external('w', 'float32', [2], { location: 'weights.bin', offset: 7, length: 8 }),
  ]);
  graph.output(y, 'float32', [2]);
  writeFileSync(join(folder, 'model.onnx'), graph.encode());
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'));
  const answer = await session.run({ x: new ort.Tensor('float32', Float32Array.of(5, 7), [2]) });
  expect(Array.from(answer[y]!.data as Float32Array)).toEqual([10, 21]);
  await session.release();
});

test('a value that nothing makes, one made twice, a wrong length and a fractional whole number are refused', () => {
  const graph = onnxModel({ name: 'wrong' });
  const x = graph.input('x', 'float32', [2]);
  expect(() => graph.op('Mul', [x, 'absent'])).toThrow('reads "absent", which nothing made');
  expect(() => graph.output('absent', 'float32', [2])).toThrow('"absent"');
  expect(() => graph.input('x', 'float32', [2])).toThrow('made twice');
  expect(() => graph.external('w', 'float32', [2], { location: 'f', offset: 0, length: 4 })).toThrow(
    'takes 8 bytes, f gives 4',
  );
  expect(() => graph.op('Elu', [x], { alpha: 0.5 })).toThrow('{ float: 0.5 }');
});

test('the same graph has the same bytes', () => {
  const make = (): Uint8Array => {
    const graph = onnxModel({ name: 'same' });
    graph.output(graph.op('Neg', [graph.input('x', 'int64', ['n'])]), 'int64', ['n']);
    return graph.encode();
  };
  expect(make()).toEqual(make());
});
