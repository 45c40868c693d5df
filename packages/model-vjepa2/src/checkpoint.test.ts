// A checkpoint opens by its header, under every spelling, and names each tensor that is missing, unknown or misshapen.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { bytesSource } from '@deepearth/formats/bytes';
import { encodePt } from '@deepearth/formats/pt-writer';
import { encodeSafetensors, openSafetensors } from '@deepearth/formats/safetensors';
import { afterAll, expect, test } from 'vitest';
import { openCheckpoint as open } from '@deepearth/onnx/checkpoint';
import { catalogue, encoderOf } from './catalogue.ts';
import { expectedTensors, meaningOf, publishedName } from './tensor-names.ts';
import { readConfig } from './architecture.ts';
import { surveyModel as survey } from '@deepearth/onnx/survey-model';
import { vjepa2Family } from './family.ts';

const openCheckpoint = (path: string) => open(vjepa2Family, path);
const surveyModel = (model: string) => survey(vjepa2Family, model);

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'deepearth-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of the 2.0 fixture with other tensors or another config. */
async function altered(
  name: string,
  change: (tensors: Map<string, Tensor>) => void,
  config?: (config: Record<string, unknown>) => void,
): Promise<string> {
  const folder = join(root, name);
  mkdirSync(folder);
  const file = await openSafetensors(bytesSource(readFileSync(fixture('v2/model.safetensors'))));
  const tensors = new Map<string, Tensor>();
  for (const [key, lazy] of file.tensors) tensors.set(key, await lazy.read());
  change(tensors);
  writeFileSync(join(folder, 'model.safetensors'), await encodeSafetensors(tensors));
  const json = JSON.parse(readFileSync(fixture('v2/config.json'), 'utf8')) as Record<string, unknown>;
  config?.(json);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
  return folder;
}

test('a folder opens with its architecture, its weights and nothing of its predictor', async () => {
  const checkpoint = await openCheckpoint(fixture('v2'));
  expect(checkpoint.architecture).toMatchObject({
    family: '2.0',
    hiddenSize: 32,
    layers: 2,
    heads: 1,
    headSize: 32,
    mlpSize: 48,
    cropSize: 48,
    levels: [],
  });
  expect(checkpoint.tensors.size).toBe(2 * 16 + 4);
  expect(checkpoint.head.size).toBe(0);
  expect((await checkpoint.tensors.get('layers.1.fc1.bias')!.read()).shape).toEqual([48]);
  await checkpoint.close();
});

test('the original’s names read as three matrices out of one', async () => {
  const checkpoint = await openCheckpoint(fixture('v21'));
  expect(checkpoint.architecture).toMatchObject({ family: '2.1', layers: 12, levels: [2, 5, 8, 11], rotaryGrid: 16 });
  const [query, key] = [
    checkpoint.tensors.get('layers.3.query.weight')!,
    checkpoint.tensors.get('layers.3.key.weight')!,
  ];
  expect(query.storedName).toBe('blocks.3.attn.qkv.weight');
  const [from, to] = [await query.locate(), await key.locate()];
  expect(to!.offset - from!.offset).toBe(32 * 32 * 2);
  await checkpoint.close();
});

test('every fault is named in one error', async () => {
  const folder = await altered('faults', (tensors) => {
    tensors.delete('encoder.layer.1.attention.key.bias');
    tensors.set('encoder.layer.0.mlp.fc1.weight', tensor('float32', [47, 32], new Float32Array(47 * 32)));
    tensors.set('encoder.layernorm.weight', tensor('int32', [32], new Int32Array(32)));
  });
  const error = await openCheckpoint(folder).catch((caught: unknown) => caught as Error);
  for (const part of [
    'missing encoder.layer.1.attention.key.bias [32]',
    'encoder.layer.0.mlp.fc1.weight is [47, 32], expected [48, 32]',
    'encoder.layernorm.weight holds int32',
    '3 differ',
  ])
    expect((error as Error).message).toContain(part);
});

/** Other names for all tensors of the 2.0 fixture. */
const renamed = (rename: (name: string) => string) => (tensors: Map<string, Tensor>) => {
  for (const [name, value] of [...tensors]) {
    tensors.delete(name);
    tensors.set(rename(name), value);
  }
};

test.each<[string, (name: string) => string]>([
  ['vjepa2', (name) => `vjepa2.${name}`],
  ['compiled', (name) => `_orig_mod.${name}`],
  ['parallel and compiled', (name) => `module._orig_mod.backbone.${name}`],
  ['lightning', (name) => `state_dict.net.${name}`],
  ['a name of one’s own', (name) => `my_model.video_tower.${name}`],
  ['sharded layers', (name) => name.replace(/layer\.(\d+)\./, 'layer.$1._fsdp_wrapped_module.module.')],
])('weights are found whatever stands around their names: %s', async (title, rename) => {
  const checkpoint = await openCheckpoint(await altered(title, renamed(rename)));
  expect(checkpoint.tensors.size).toBe(2 * 16 + 4);
  expect(checkpoint.notes).toEqual([]);
  await checkpoint.close();
});

test('of several encoders the averaged one is taken, and that is said; others’ tensors are said, too, and not fatal', async () => {
  const folder = await altered('several', (tensors) => {
    const own = [...tensors];
    tensors.clear();
    for (const [name, value] of own) {
      tensors.set(`student.backbone.${name}`, tensor('float32', value.shape, new Float32Array(value.data.length)));
      tensors.set(`teacher.backbone.${name}`, value);
    }
    tensors.set('n_averaged', tensor('int64', [], BigInt64Array.of(5n)));
    for (let i = 0; i < 5; i++) tensors.set(`head.${i}.weight`, tensor('float32', [5, 32], new Float32Array(160)));
    tensors.set('head.norm.weight', tensor('float32', [5], new Float32Array(5)));
  });
  const checkpoint = await openCheckpoint(folder);
  expect(checkpoint.tensors.get('norm.weight')!.storedName).toBe('teacher.backbone.encoder.layernorm.weight');
  expect(checkpoint.notes).toEqual([
    'model.safetensors: it holds 2 encoders: that of "teacher.backbone." is taken, not that of "student.backbone.".',
    'model.safetensors: 7 tensors are not used: n_averaged [], head.0.weight [5, 32], head.1.weight [5, 32], head.2.weight [5, 32], …',
  ]);
  await checkpoint.close();
});

test('.pt files are looked through whatever their keys; optimizers and predictors are passed by', async () => {
  const folder = await altered('pickled', () => undefined);
  const { tensors } = await openSafetensors(bytesSource(readFileSync(join(folder, 'model.safetensors'))));
  const weights: Record<string, Tensor> = {};
  for (const [name, lazy] of tensors) weights[`module.${name}`] = await lazy.read();
  const one = tensor('float32', [32], new Float32Array(32));
  const file = {
    epoch: 3,
    models: [{ ema: weights }],
    predictor: { 'module.encoder.layernorm.weight': one },
    optimizer: { state: { 0: { exp_avg: one } } },
  };
  rmSync(join(folder, 'model.safetensors'));
  writeFileSync(join(folder, 'pytorch_model.bin'), await encodePt(file));
  const checkpoint = await openCheckpoint(folder);
  expect(checkpoint.files[0]).toContain('pytorch_model.bin');
  expect(checkpoint.tensors.get('norm.weight')!.storedName).toBe('models.0.ema.module.encoder.layernorm.weight');
  expect(checkpoint.notes).toEqual([]);
  await checkpoint.close();
});

test('a layer too many is no spare tensor, and a long list of faults ends after ten lines', async () => {
  const shallow = await altered(
    'shallow',
    () => undefined,
    (config) => (config['num_hidden_layers'] = 1),
  );
  const error = (await openCheckpoint(shallow).catch((caught: unknown) => caught)) as Error;
  expect(error.message).toContain('unexpected encoder.layer.1.');
  const nothing = await altered('nothing', (tensors) => {
    for (const name of tensors.keys()) if (name.startsWith('encoder.')) tensors.delete(name);
    tensors.set('conv1.weight', tensor('float32', [1], new Float32Array(1)));
  });
  const message = ((await openCheckpoint(nothing).catch((caught: unknown) => caught)) as Error).message;
  expect(message).toMatch(/36 differ:\n {2}missing encoder\.embeddings/);
  expect(message.match(/^ {2}/gm)).toHaveLength(10);
  expect(message).toContain('… and 27 more');
});

test('a weight of a type that is not read is named, one that is not needed is not', async () => {
  const folder = await altered('odd types', (tensors) => {
    tensors.set('encoder.layernorm.bias', tensor('uint8', [32], new Uint8Array(32)));
    tensors.set('spare', tensor('uint8', [32], new Uint8Array(32)));
  });
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const retype = (name: string): void => {
    bytes.write('F4', bytes.indexOf('"U8"', bytes.indexOf(`"${name}":`)) + 1);
    writeFileSync(path, bytes);
  };
  retype('spare');
  await expect(openCheckpoint(folder)).rejects.toThrow('encoder.layernorm.bias holds uint8, not floats');
  retype('encoder.layernorm.bias');
  await expect(openCheckpoint(folder)).rejects.toThrow('encoder.layernorm.bias is of the type "F4", which is not read');
});

test('a config with more layers than there are lists what it misses', async () => {
  const deeper = await altered(
    'deeper',
    () => undefined,
    (config) => (config['num_hidden_layers'] = 3),
  );
  await expect(openCheckpoint(deeper)).rejects.toThrow(/missing encoder\.layer\.2\.norm1\.weight/);
});

test('what the graph cannot do is refused by the config’s field', () => {
  const base = { hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 1 };
  expect(() => readConfig({ ...base, hidden_act: 'silu' }, 'config.json')).toThrow(/hidden_act.*"gelu"/);
  expect(() => readConfig({ ...base, model_type: 'vit' }, 'config.json')).toThrow('"vit"');
  expect(() => readConfig({ ...base, num_attention_heads: 5 }, 'config.json')).toThrow('12.8');
  expect(() => readConfig({}, 'config.json')).toThrow(/hidden_size.*num_hidden_layers.*num_attention_heads/s);
});

test('no config, no weights, a truncated file and broken JSON each say so', async () => {
  await expect(openCheckpoint(join(root, 'nowhere'))).rejects.toThrow(/nowhere.*no such file/);
  const empty = join(root, 'empty');
  mkdirSync(empty);
  await expect(openCheckpoint(empty)).rejects.toThrow(/config\.json/);
  writeFileSync(join(empty, 'config.json'), '{');
  writeFileSync(join(empty, 'model.safetensors'), readFileSync(fixture('v2/model.safetensors')).subarray(0, 5000));
  await expect(openCheckpoint(empty)).rejects.toThrow(/model\.safetensors: is no valid safetensors file/);
  copyFileSync(fixture('v2/model.safetensors'), join(empty, 'model.safetensors'));
  await expect(openCheckpoint(empty)).rejects.toThrow(/config\.json: is no JSON/);
});

test('weights of another name are named', async () => {
  const folder = join(root, 'other-name');
  mkdirSync(folder);
  copyFileSync(fixture('v2/config.json'), join(folder, 'config.json'));
  copyFileSync(fixture('v2/model.safetensors'), join(folder, 'epoch-12.safetensors'));
  await expect(openCheckpoint(folder)).rejects.toMatchObject({
    remedy: 'There is epoch-12.safetensors: name the one that is meant as `weights`.',
  });
});

test('a weights file alone is understood by its shapes', async () => {
  const alone = join(root, 'alone.safetensors');
  const file = await openSafetensors(bytesSource(readFileSync(fixture('v21/model.safetensors'))));
  // Heads of 64, as all published models have.
  const wide = new Map<string, Tensor>();
  for (const name of expectedTensors({
    ...(await surveyModel(fixture('v21'))).architecture!,
    hiddenSize: 64,
    mlpSize: 128,
    layers: 1,
    levels: [0, 0, 0, 0],
  })) {
    const [known, shape] = name;
    wide.set(publishedName(known), tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1))));
  }
  expect(file.tensors.size).toBe(158);
  writeFileSync(alone, await encodeSafetensors(wide));
  expect((await surveyModel(alone)).architecture).toMatchObject({
    family: '2.1',
    hiddenSize: 64,
    heads: 1,
    layers: 1,
    mlpSize: 128,
    cropSize: 384,
  });
});

test('the expected tensors of every official model are as many, and as large, as the catalogue says', async () => {
  for (const entry of catalogue) {
    const { architecture } = await surveyModel(entry.name);
    const expected = expectedTensors(architecture!);
    const numbers = encoderOf(entry);
    expect(expected.size, entry.name).toBe(numbers.tensors);
    expect(
      [...expected.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
      entry.name,
    ).toBe(numbers.parameters);
    for (const name of expected.keys()) expect(meaningOf(publishedName(name))).toEqual({ encoder: [name] });
  }
});

test.each([
  ['[]', 'has no weight_map'],
  ['null', 'has no weight_map'],
  ['{}', 'has no weight_map'],
  ['{"weight_map":["a.safetensors"]}', 'has no weight_map'],
  ['{"weight_map":{}}', 'names no file'],
  ['{"weight_map":{"a":"../v2/model.safetensors"}}', 'names the file "../v2/model.safetensors"'],
  ['{"weight_map":{"a":"sub/model.safetensors"}}', 'names the file "sub/model.safetensors"'],
  ['{"weight_map":{"a":".."}}', 'names the file ".."'],
  ['{"weight_map":{"a":5}}', 'names the file 5'],
  ['{"weight_map":{"a":"none.safetensors"}}', 'none.safetensors: there is no such file'],
  ['{', 'is no JSON'],
])('an index of shards that is none is refused: %s', async (text, message) => {
  const folder = mkdtempSync(join(root, 'index-'));
  copyFileSync(fixture('v2/config.json'), join(folder, 'config.json'));
  writeFileSync(join(folder, 'model.safetensors.index.json'), text);
  await expect(openCheckpoint(folder)).rejects.toMatchObject({
    code: 'E_MODEL_FILES',
    message: expect.stringContaining(message) as string,
  });
});

test('sizes that no encoder has are refused by their names before anything is made of them', () => {
  const base = JSON.parse(readFileSync(fixture('v2/config.json'), 'utf8')) as Record<string, unknown>;
  for (const [field, value] of [
    ['num_hidden_layers', 1_000_000],
    ['num_hidden_layers', -1],
    ['num_hidden_layers', '2'],
    ['hidden_size', 1e12],
    ['crop_size', 1e6],
    ['mlp_ratio', 1e9],
  ] as const)
    expect(() => readConfig({ ...base, [field]: value }, 'config.json')).toThrow(new RegExp(`config.json: .*${field}`));
  expect(() => readConfig({ ...base, model_type: 'vjepa21', hierarchical_layers: [9] }, 'config.json')).toThrow(
    'hierarchical_layers [9] of 2 layers',
  );
});
