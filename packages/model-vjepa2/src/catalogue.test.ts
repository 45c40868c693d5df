import { describe, expect, it } from 'vitest';
import {
  catalogue,
  classifierParameters,
  classifierTensors,
  encoderOf,
  encoders,
  findEntry,
  type EncoderNumbers,
  type Size,
} from './catalogue.ts';
import { countEncoder, estimate } from '@deepearth/onnx/estimate';
import { readConfig, type Architecture, type Family } from './architecture.ts';
import { vjepa2Family } from './family.ts';

const shape = (family: Family, size: Size): Architecture => {
  const { hiddenSize, layers, heads, mlpSize } = encoders[family][size]!;
  const config = { hidden_size: hiddenSize, num_hidden_layers: layers, num_attention_heads: heads };
  return { ...readConfig({ ...config, model_type: family === '2.1' ? 'vjepa21' : 'vjepa2' }, 'test'), mlpSize };
};

describe('the catalogue', () => {
  it('has the counts that the shapes of its encoders give', () => {
    for (const family of ['2.0', '2.1'] as const)
      for (const [size, numbers] of Object.entries(encoders[family]) as [Size, EncoderNumbers][]) {
        const { parameters, tensors } = countEncoder(vjepa2Family, shape(family, size));
        expect({ parameters, tensors }, `${family} ${size}`).toEqual({
          parameters: numbers.parameters,
          tensors: numbers.tensors,
        });
      }
  });

  it('counts classifiers and whole files', () => {
    expect(classifierParameters(1024, 174)).toBe(49_514_670);
    expect(classifierParameters(1408, 174)).toBe(93_494_190);
    expect(classifierTensors).toBe(65);
    expect(findEntry('facebook/vjepa2-vitl-fpc64-256')!.fileParameters! * 4).toBe(1_303_885_312);
    expect(findEntry('facebook/vjepa2-vitl-fpc16-256-ssv2')!.fileParameters).toBe(325_971_328 + 49_514_670);
  });

  it('finds entries by any name they go by', () => {
    expect(findEntry('Facebook/VJEPA2-vitg-fpc64-384')?.cropSize).toBe(384);
    expect(findEntry('Dev-Jahn/vjepa2.1-vitl-fpc64-384')?.name).toBe('apiantonio/vjepa2.1-vit-large-384');
    expect(findEntry('facebook/vjepa')).toBeUndefined();
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
    for (const entry of catalogue) expect(encoderOf(entry).heads).toBeGreaterThan(0);
  });
});

describe('estimate', () => {
  // Tokens, TFLOP, GiB of one layer's scores if held, MiB of output, worked out by hand from the shapes.
  it.each([
    ['2.0', 'L', 256, 8, 1024, 0.72, 0.0625, 4],
    ['2.0', 'L', 256, 16, 2048, 1.65, 0.25, 8],
    ['2.0', 'L', 256, 32, 4096, 4.12, 1, 16],
    ['2.0', 'L', 256, 64, 8192, 11.5, 4, 32],
    ['2.0', 'H', 256, 16, 2048, 3.26, undefined, undefined],
    ['2.0', 'H', 256, 64, 8192, 21.3, 4, 40],
    ['2.0', 'g', 256, 16, 2048, 5.1, 0.34, undefined],
    ['2.0', 'g', 256, 64, 8192, 31.7, 5.5, 44],
    ['2.0', 'g', 384, 8, 2304, 5.85, 0.44, undefined],
    ['2.0', 'g', 384, 16, 4608, 14.1, 1.74, undefined],
    ['2.0', 'g', 384, 32, 9216, 37.7, 6.96, undefined],
    ['2.0', 'g', 384, 64, 18432, 113.7, 27.8, 99],
    ['2.1', 'B', 384, 8, 2304, 0.59, undefined, undefined],
    ['2.1', 'B', 384, 16, 4608, 1.57, 0.95, undefined],
    ['2.1', 'B', 384, 64, 18432, 15.7, 15.2, undefined],
    ['2.1', 'L', 384, 16, 4608, 4.87, 1.27, undefined],
    ['2.1', 'L', 384, 64, 18432, 44.5, 20.3, undefined],
    ['2.1', 'G', 384, 16, 4608, 23.7, undefined, undefined],
    ['2.1', 'G', 384, 64, 18432, 176, 32.9, undefined],
  ] as const)(
    'of V-JEPA %s ViT-%s at %i px with %i frames',
    (family, size, crop, frames, tokens, teraflop, scoreGiB, outputMiB) => {
      const found = estimate(vjepa2Family, shape(family, size), { frames, height: crop, width: crop });
      const near = (value: number, wanted: number) => expect(Math.abs(value / wanted - 1)).toBeLessThan(0.02);
      expect(found.tokens).toBe(tokens);
      near(found.flop / 1e12, teraflop);
      if (scoreGiB !== undefined) near(found.scoreBytes / 2 ** 30, scoreGiB);
      if (outputMiB !== undefined) near(found.outputBytes / 2 ** 20, outputMiB);
    },
  );

  it('needs less memory with fewer bits and more without fused attention', () => {
    const of = (options: object) =>
      estimate(vjepa2Family, shape('2.0', 'g'), { frames: 16, height: 384, width: 384, ...options });
    expect(of({ precision: 'fp16' }).weightBytes).toBe(of({}).weightBytes / 2);
    expect(of({ precision: 'int8' }).weightBytes).toBeLessThan(of({ precision: 'fp16' }).weightBytes);
    expect(of({ fused: false }).peakBytes - of({}).peakBytes).toBeGreaterThan(3e9);
    expect(of({ batchSize: 2 }).outputBytes).toBe(2 * of({}).outputBytes);
  });
});
