// The built-in checkpoint: V-JEPA 2's architecture with weights that are constructed, not trained. Colour, texture,
// motion and neighbourhood of every token.

import { tensor } from '@deepearth/core/tensor';
import { magnitude, writeLayer, type Form, type Layer, type Reach, type Tensors, type Unit } from './builtin-layers.ts';
import { colourNames, filterIndex, filters, frequency, writeFilter, type Filter } from './builtin-filters.ts';

export const builtinName = 'builtin';
/** How it is called wherever a name is shown. */
export const builtinTitle = 'deepearth/builtin (constructed, not trained)';

const hidden = 256;
const headSize = 64;
const mlp = 256;
const crop = 384;

/** The fields of a published `config.json`. */
export const builtinConfig = {
  model_type: 'vjepa2',
  architectures: ['VJEPA2Model'],
  name: builtinTitle,
  patch_size: 16,
  tubelet_size: 2,
  in_chans: 3,
  crop_size: crop,
  image_size: crop,
  frames_per_clip: 16,
  hidden_size: hidden,
  num_attention_heads: hidden / headSize,
  num_hidden_layers: 2,
  mlp_ratio: mlp / hidden,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-6,
  qkv_bias: true,
  drop_path_rate: 0,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  attention_dropout: 0,
  initializer_range: 0.02,
  pred_hidden_size: 64,
  pred_num_attention_heads: 1,
  pred_num_hidden_layers: 0,
  torch_dtype: 'float32',
} as const;

export interface BuiltinCheckpoint {
  readonly config: typeof builtinConfig;
  /** Under the names of a published `model.safetensors`, encoder only. */
  readonly tensors: Tensors;
}

/**
 * Two channels hold plus and minus this for every token, so that layer norm divides by (nearly) the same number
 * everywhere and stays (nearly) linear.
 */
const anchor = 192;

/** What each channel of the residual stream holds; `unit` is its usual size. */
interface Channel {
  readonly name: string;
  readonly unit: number;
  /** Its share in the final tokens. */
  readonly weight: number;
}

function makeStream() {
  const channels: Channel[] = [];
  const add = (name: string, unit: number, weight: number): number => channels.push({ name, unit, weight }) - 1;
  return { channels, add };
}

/** How large a coefficient usually is in pictures, whose spectrum falls with frequency; input of unit deviation. */
function usualSize(filter: Filter): number {
  const colour = filter.colour === 'luma' ? 1 : 0.2;
  const size = frequency(filter) === 0 ? 22 : 9 / frequency(filter);
  return colour * size * (filter.time ? 0.6 : 1);
}

const reaches = {
  point: { near: 8, far: 12 },
  narrow: { near: 0.9, far: 8 },
  medium: { near: 0.15, far: 8 },
  wide: { near: 0, far: 4 },
} as const satisfies Record<string, Reach>;

const surroundings = [
  { name: 'narrow', time: reaches.point, space: reaches.narrow, weight: 1 },
  { name: 'medium', time: reaches.point, space: reaches.medium, weight: 0.6 },
  { name: 'wide', time: reaches.narrow, space: reaches.wide, weight: 0.3 },
  { name: 'while', time: reaches.medium, space: reaches.narrow, weight: 0.3 },
] as const;

const share = {
  coefficient: 0.05,
  colour: 1,
  energy: 0.15,
  contrast: 0.15,
  nearby: { colour: 1, energy: 0.6 },
  joint: 0.5,
  motion: 1.6,
};

/** Bands of texture and motion: which coefficients add up to one energy. */
const bands: readonly {
  readonly name: string;
  readonly takes: (filter: Filter) => number;
  readonly weight?: number;
}[] = [
  ...[
    [1, 1.5],
    [1.5, 2.5],
    [2.5, 4],
    [4, 5.6],
    [5.6, 8],
    [8, 20],
  ].map(([low, high]) => ({
    name: `texture ${low}-${high}`,
    takes: (f: Filter) => (f.colour === 'luma' && !f.time && frequency(f) >= low! && frequency(f) < high! ? 1 : 0),
  })),
  ...[
    [1, 3.5],
    [3.5, 20],
  ].map(([low, high]) => ({
    name: `orientation ${low}-${high}`,
    takes: (f: Filter) =>
      f.colour === 'luma' && !f.time && frequency(f) >= low! && frequency(f) < high! ? Math.sign(f.down - f.across) : 0,
  })),
  ...(['warmth', 'green'] as const).map((colour) => ({
    name: `texture ${colour}`,
    takes: (f: Filter) => (f.colour === colour && !f.time && frequency(f) > 0 ? 1 : 0),
  })),
  ...[
    [0, 1],
    [1, 2.5],
    [2.5, 20],
  ].map(([low, high]) => ({
    name: `motion ${low}-${high}`,
    takes: (f: Filter) => (f.colour === 'luma' && f.time && frequency(f) >= low! && frequency(f) < high! ? 1 : 0),
    weight: share.motion,
  })),
  { name: 'motion colour', takes: (f) => (f.colour !== 'luma' && f.time ? 1 : 0), weight: share.motion },
];

/** Makes the checkpoint, in memory: the same bytes every time. */
export function builtinCheckpoint(): BuiltinCheckpoint {
  const { channels, add } = makeStream();
  const coefficient = filters.map((f) =>
    add(
      `${f.colour} ${f.time} ${f.down} ${f.across}`,
      usualSize(f),
      frequency(f) === 0 && !f.time ? share.colour : share.coefficient,
    ),
  );
  const colour = colourNames.map((name) => filterIndex(name, 0, 0, 0));
  // The means of a patch are large; each also stands negated in another channel, so that layer norm's mean stays near
  // 0.
  const negated = colour.map((channel) => add(`minus ${channels[channel]!.name}`, Infinity, 0));
  const anchors = [add('plus', Infinity, 0), add('minus', Infinity, 0)];
  const nearbyColour = surroundings.map(({ name, weight }) =>
    colourNames.map((of) => add(`${name} ${of}`, 1, weight * share.nearby.colour)),
  );
  const energy = bands.map(({ name, weight = 1 }) => add(name, 1, weight * share.energy));
  const contrast = [1, 2].map((ring) =>
    colourNames.map((of) => add(`contrast ${surroundings[ring]!.name} ${of}`, 1, share.contrast)),
  );
  const local = [...energy, ...contrast.flat()];
  const nearbyLocal = surroundings.map(({ name, weight }) =>
    local.map((channel, c) =>
      add(`${name} ${channels[channel]!.name}`, 1, weight * (bands[c]?.weight ?? 1) * share.nearby.energy),
    ),
  );
  const joints = listJoints(nearbyColour[0]!, nearbyLocal[0]!);
  const joint = joints.map((_, index) => add(`joint ${index}`, 1, share.joint));
  while (channels.length < hidden) add('unused', Infinity, 0);
  if (channels.length > hidden) throw new RangeError(`${channels.length} channels do not fit in ${hidden}`);

  const layers: Layer[] = [
    {
      heads: surroundings.map((where, s) => ({
        ...where,
        averages: colour.map((channel, c) => ({ of: [[channel, 1]], to: nearbyColour[s]![c]!, unit: 1 })),
      })),
      units: [
        ...bands.flatMap(({ takes }, band) => bandUnits(takes, coefficient, energy[band]!)),
        ...contrast.flatMap((ring, r) =>
          ring.flatMap((to, c) =>
            magnitude(
              [
                [colour[c]!, 1],
                [nearbyColour[r + 1]![c]!, -1],
              ],
              [[to, 1]],
            ),
          ),
        ),
      ],
      shift: [...energy.filter((_, band) => !bands[band]!.name.startsWith('orientation')), ...contrast.flat()].map(
        (channel) => [channel, -0.7] as const,
      ),
    },
    {
      heads: surroundings.map((where, s) => ({
        ...where,
        averages: local.map((channel, c) => ({ of: [[channel, 1]], to: nearbyLocal[s]![c]!, unit: 1 })),
      })),
      units: joints.map((of, j) => ({ of, bias: -0.5, to: [[joint[j]!, 1]] })),
    },
  ];

  const tensors: Tensors = new Map();
  const patch = new Float32Array(hidden * 3 * 2 * 16 * 16);
  const size = patch.length / hidden;
  filters.forEach((filter, f) => writeFilter(filter, 1, patch, coefficient[f]! * size));
  colour.forEach((channel, c) => writeFilter(filters[channel]!, -1, patch, negated[c]! * size));
  const bias = new Float32Array(hidden);
  bias[anchors[0]!] = anchor;
  bias[anchors[1]!] = -anchor;
  tensors.set('encoder.embeddings.patch_embeddings.proj.weight', tensor('float32', [hidden, 3, 2, 16, 16], patch));
  tensors.set('encoder.embeddings.patch_embeddings.proj.bias', tensor('float32', [hidden], bias));
  /** What layer norm divides by when only the anchors count. */
  const deviation = Math.sqrt((2 * anchor ** 2) / hidden);
  const norm = Float32Array.from(channels, ({ unit }) => deviation / unit);
  layers.forEach((layer, index) => writeLayer(tensors, index, layer, norm, { hidden, headSize, mlp }));
  tensors.set(
    'encoder.layernorm.weight',
    tensor(
      'float32',
      [hidden],
      Float32Array.from(channels, ({ unit, weight }) => (weight * deviation) / unit),
    ),
  );
  tensors.set('encoder.layernorm.bias', tensor('float32', [hidden], new Float32Array(hidden)));
  return { config: builtinConfig, tensors };
}

/** The mean magnitude of a band's coefficients; where `takes` is signed, the difference of two means. */
function bandUnits(takes: (filter: Filter) => number, coefficient: readonly number[], to: number): Unit[] {
  const taken = filters
    .map((filter, f) => [coefficient[f]!, takes(filter)] as const)
    .filter(([, weight]) => weight !== 0);
  return taken.flatMap(([channel, weight]) => magnitude([[channel, 1]], [[to, weight / taken.length]]));
}

/** Pairs of traits, each either way: "green and rough", "bright and smooth". */
function listJoints(colour: readonly number[], local: readonly number[]): Form[] {
  const traits = [...colour, local[2]!, local[4]!];
  const out: Form[] = [];
  for (let a = 0; a < traits.length; a++)
    for (let b = a + 1; b < traits.length; b++)
      for (const [p, q] of [
        [1, 1],
        [1, -1],
        [-1, 1],
        [-1, -1],
      ] as const)
        out.push([
          [traits[a]!, p],
          [traits[b]!, q],
        ]);
  return out;
}
