// Makes token grids, embeddings and projections in memory, from a seed.

import { lineage } from '@deepearth/core/lineage';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { Clip, Embedding, EncoderIdentity, PictureOrigin, Projection, TokenGrid } from '@deepearth/core/items';
import { makeClips } from './make-frames.ts';
import { seededNormal } from './random.ts';

/** Sizes of a made token grid. */
export interface GridShape {
  /** Steps of time; every one is two frames of the clip. 2 by default. */
  readonly time?: number;
  readonly height?: number;
  readonly width?: number;
  readonly channels?: number;
  readonly count?: number;
  readonly seed?: number;
}

const encoder: EncoderIdentity = { name: 'made tokens', fingerprint: lineage('made tokens') };

/** The frames behind a grid: 8 pixels to a token. */
const clipsOf = (count: number, time: number, height: number, width: number, seed: number): Clip[] =>
  makeClips(count, { time: 2 * time, width: 8 * width, height: 8 * height, seed });

const whole = (clip: Clip): PictureOrigin => {
  const { width, height } = clip.frames[0]!;
  return { kind: 'picture', geometry: { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height } };
};

/**
 * `count` grids `[time, height, width, channels]`, float32: a few smooth patterns over place and time, each with its
 * own direction among the channels, and some noise; so that a reducer finds something.
 */
export function makeTokens({
  time = 2,
  height = 3,
  width = 4,
  channels = 16,
  count = 3,
  seed = 1,
}: GridShape = {}): TokenGrid[] {
  return clipsOf(count, time, height, width, seed).map((clip, index): TokenGrid => ({
    kind: 'tokens',
    id: clip.id,
    key: lineage('made tokens', clip.key, time, height, width, channels, seed),
    values: patterns([time, height, width, channels], seed, index),
    axes: ['time', 'height', 'width', 'channels'],
    clip,
    origin: whole(clip),
    encoder,
  }));
}

function patterns(shape: readonly [number, number, number, number], seed: number, index: number): Tensor<'float32'> {
  const [time, height, width, channels] = shape;
  const direction = seededNormal(seed);
  const directions = Array.from({ length: 3 }, () => Float32Array.from({ length: channels }, direction));
  const noise = seededNormal(seed * 104729 + index + 1);
  const data = new Float32Array(time * height * width * channels);
  let at = 0;
  for (let t = 0; t < time; t++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const weights = [
          3 * Math.sin((2 * Math.PI * x) / width + index),
          2 * Math.cos((2 * Math.PI * y) / height),
          1.5 * Math.sin(t + index),
        ];
        for (let c = 0; c < channels; c++)
          data[at++] = weights.reduce((sum, weight, k) => sum + weight * directions[k]![c]!, 0.1 * noise());
      }
    }
  }
  return tensor('float32', shape, data);
}

/** `count` embeddings of one vector each, `[channels]`. */
export const makeEmbeddings = ({
  channels = 16,
  count = 3,
  seed = 1,
}: Pick<GridShape, 'channels' | 'count' | 'seed'> = {}): Embedding[] =>
  makeTokens({ time: 1, height: 1, width: 1, channels, count, seed }).map(
    ({ id, key, values, clip, origin }): Embedding => ({
      kind: 'embedding',
      id,
      key: lineage('made embedding', key),
      values: tensor('float32', [channels], values.data as Float32Array),
      axes: ['channels'],
      clip: clip!,
      origin,
      encoder,
    }),
  );

/**
 * `count` projections `[time, height, width, components]` with values in [-1, 1]; 3 components are coordinates, 1 is a
 * scalar.
 */
export function makeProjections({
  time = 2,
  height = 3,
  width = 4,
  components = 3,
  count = 3,
  seed = 1,
}: Omit<GridShape, 'channels'> & { readonly components?: number } = {}): Projection[] {
  return clipsOf(count, time, height, width, seed).map((clip, index): Projection => {
    const data = new Float32Array(time * height * width * components);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(0.7 * i + index + seed);
    return {
      kind: 'projection',
      id: clip.id,
      key: lineage('made projection', clip.key, components),
      values: tensor('float32', [time, height, width, components], data),
      axes: ['time', 'height', 'width', 'components'],
      limits: Array.from({ length: components }, () => [-1, 1] as const),
      meaning: components === 1 ? 'scalar' : 'coordinates',
      reducer: 'made',
      clip,
      origin: whole(clip),
    };
  });
}
