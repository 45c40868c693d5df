// All official V-JEPA 2 checkpoints: what they are called, where they are, how large they are.

import { findPublished, type Published } from '@deepearth/onnx/published';
import { readConfig, type Architecture, type Family } from './architecture.ts';

/** Sizes of the published encoders: ViT-B, L, H, g and G. */
export type Size = 'B' | 'L' | 'H' | 'g' | 'G';

/** What is known of a checkpoint beside its encoder's numbers. */
interface Entry extends Pick<Published<Architecture>, 'name' | 'mirrors'> {
  readonly family: Family;
  readonly size: Size;
  /** The publisher of the safetensors: Meta (`official`), or someone who converted Meta's file (`community`). */
  readonly publisher: 'official' | 'community';
  /** Pixels of the crop it was trained on. */
  readonly cropSize: 256 | 384;
  readonly framesPerClip: number;
  /** In front of the encoder's tensor names. */
  readonly prefix: '' | 'vjepa2.';
  /** The task a classifier was tuned for. */
  readonly task?: { readonly name: 'ssv2' | 'diving48'; readonly title: string; readonly labels: number };
  /** The file that Meta published, and under which key the encoder to use lies in it. */
  readonly original: {
    readonly url: string;
    readonly key: 'target_encoder' | 'ema_encoder' | 'classifiers';
    readonly tensors?: number;
  };
}

export interface CatalogueEntry extends Published<Architecture>, Omit<Entry, 'original'> {
  readonly original: Entry['original'];
}

/** Numbers of an encoder; every model of one size and family shares them. */
export interface EncoderNumbers {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlpSize: number;
  /** Values and tensors of the encoder, under published names. */
  readonly parameters: number;
  readonly tensors: number;
  /** Values and tensors of the file with the predictor; `undefined` where it is not known. */
  readonly total?: { readonly parameters: number; readonly tensors?: number };
}

/** Counted from the published shapes; a converter checks what it reads against them. */
export const encoders: Readonly<Record<Family, Partial<Record<Size, EncoderNumbers>>>> = {
  '2.0': {
    L: {
      hiddenSize: 1024,
      layers: 24,
      heads: 16,
      mlpSize: 4096,
      parameters: 303_885_312,
      tensors: 388,
      total: { parameters: 325_971_328, tensors: 587 },
    },
    H: {
      hiddenSize: 1280,
      layers: 32,
      heads: 16,
      mlpSize: 5120,
      parameters: 631_648_000,
      tensors: 516,
      total: { parameters: 653_930_880, tensors: 715 },
    },
    g: {
      hiddenSize: 1408,
      layers: 40,
      heads: 22,
      mlpSize: 6144,
      parameters: 1_012_173_952,
      tensors: 644,
      total: { parameters: 1_034_555_264, tensors: 843 },
    },
  },
  '2.1': {
    B: { hiddenSize: 768, layers: 12, heads: 12, mlpSize: 3072, parameters: 86_833_152, tensors: 206 },
    L: {
      hiddenSize: 1024,
      layers: 24,
      heads: 16,
      mlpSize: 4096,
      parameters: 304_680_960,
      tensors: 398,
      total: { parameters: 327_654_016 },
    },
    g: { hiddenSize: 1408, layers: 40, heads: 22, mlpSize: 6144, parameters: 1_013_267_968, tensors: 654 },
    G: { hiddenSize: 1664, layers: 48, heads: 26, mlpSize: 8192, parameters: 1_845_216_768, tensors: 782 },
  },
};

/** The numbers of an entry's encoder. */
export const encoderOf = ({ family, size }: Pick<Entry, 'family' | 'size'>): EncoderNumbers => encoders[family][size]!;

const meta = 'https://dl.fbaipublicfiles.com/vjepa2';

/** Adds what follows from an entry's numbers. */
function published(entry: Entry): CatalogueEntry {
  const { family, size, cropSize, framesPerClip, task, publisher } = entry;
  const { hiddenSize, layers, heads, mlpSize, parameters, total } = encoderOf(entry);
  return {
    ...entry,
    summary: `V-JEPA ${family} ViT-${size}, ${cropSize} px, ${framesPerClip} frames${task ? `, ${task.title} (${task.labels} classes)` : ''}${publisher === 'community' ? ', converted by its community' : ''}`,
    parameters,
    // Encoder, predictor, classifier.
    fileParameters: total && total.parameters + (task ? classifierParameters(hiddenSize, task.labels) : 0),
    labels: task?.labels ?? 0,
    gated: false,
    architecture: () => ({
      ...readConfig(
        {
          model_type: family === '2.1' ? 'vjepa21' : 'vjepa2',
          hidden_size: hiddenSize,
          num_hidden_layers: layers,
          num_attention_heads: heads,
          mlp_ratio: mlpSize / hiddenSize,
          crop_size: cropSize,
          frames_per_clip: framesPerClip,
        },
        entry.name,
      ),
      mlpSize,
    }),
  };
}

const backbone = (name: string, size: Size, cropSize: 256 | 384, file: string): CatalogueEntry =>
  published({
    name: `facebook/${name}`,
    family: '2.0',
    size,
    publisher: 'official',
    mirrors: [],
    cropSize,
    framesPerClip: 64,
    prefix: '',
    original: { url: `${meta}/${file}`, key: 'target_encoder' },
  });

const tasks = {
  ssv2: { name: 'ssv2', title: 'Something-Something v2', labels: 174 },
  diving48: { name: 'diving48', title: 'Diving-48', labels: 48 },
} as const;

const classifier = (
  name: string,
  size: Size,
  cropSize: 256 | 384,
  framesPerClip: number,
  task: keyof typeof tasks,
  file: string,
): CatalogueEntry =>
  published({
    name: `facebook/${name}`,
    family: '2.0',
    size,
    publisher: 'official',
    mirrors: [],
    cropSize,
    framesPerClip,
    prefix: 'vjepa2.',
    task: tasks[task],
    original: { url: `${meta}/evals/${file}`, key: 'classifiers' },
  });

const converted = (
  name: string,
  size: Size,
  mirrors: readonly string[],
  file: string,
  key: 'target_encoder' | 'ema_encoder',
  tensors: number,
): CatalogueEntry =>
  published({
    name,
    family: '2.1',
    size,
    publisher: 'community',
    mirrors,
    cropSize: 384,
    framesPerClip: 64,
    prefix: '',
    original: { url: `${meta}/${file}`, key, tensors },
  });

/**
 * Small before large, encoders before classifiers. Meta has not published V-JEPA 2.1 as safetensors: those are
 * conversions by others, or Meta's own `.pt`.
 */
export const catalogue: readonly CatalogueEntry[] = [
  backbone('vjepa2-vitl-fpc64-256', 'L', 256, 'vitl.pt'),
  backbone('vjepa2-vith-fpc64-256', 'H', 256, 'vith.pt'),
  backbone('vjepa2-vitg-fpc64-256', 'g', 256, 'vitg.pt'),
  backbone('vjepa2-vitg-fpc64-384', 'g', 384, 'vitg-384.pt'),
  classifier('vjepa2-vitl-fpc16-256-ssv2', 'L', 256, 16, 'ssv2', 'ssv2-vitl-16x2x3.pt'),
  classifier('vjepa2-vitg-fpc64-384-ssv2', 'g', 384, 64, 'ssv2', 'ssv2-vitg-384-64x2x3.pt'),
  classifier('vjepa2-vitl-fpc32-256-diving48', 'L', 256, 32, 'diving48', 'diving48-vitl-256.pt'),
  classifier('vjepa2-vitg-fpc32-384-diving48', 'g', 384, 32, 'diving48', 'diving48-vitg-384-32x4x3.pt'),
  converted(
    'apiantonio/vjepa2.1-vit-base-384',
    'B',
    ['davevanveen/vjepa2.1-vitb-fpc64-384'],
    'vjepa2_1_vitb_dist_vitG_384.pt',
    'ema_encoder',
    158,
  ),
  converted(
    'apiantonio/vjepa2.1-vit-large-384',
    'L',
    ['Dev-Jahn/vjepa2.1-vitl-fpc64-384'],
    'vjepa2_1_vitl_dist_vitG_384.pt',
    'ema_encoder',
    302,
  ),
  converted('apiantonio/vjepa2.1-vit-giant-384', 'g', [], 'vjepa2_1_vitg_384.pt', 'target_encoder', 494),
  converted('apiantonio/vjepa2.1-vit-gigantic-384', 'G', [], 'vjepa2_1_vitG_384.pt', 'target_encoder', 590),
];

/** The entry of a repository, a mirror's too. */
export const findEntry = (name: string): CatalogueEntry | undefined => findPublished(catalogue, name);

/**
 * Values of an attentive classifier: three self-attention blocks, one query that attends to the tokens, a linear layer.
 * Its MLPs are 4 times as wide, whatever the encoder's are.
 */
export function classifierParameters(hiddenSize: number, labels: number): number {
  const square = hiddenSize ** 2;
  const mlp = 8 * square + 5 * hiddenSize;
  const norms = 4 * hiddenSize;
  const self = 4 * (square + hiddenSize) + mlp + norms;
  const cross = 3 * (square + hiddenSize) + mlp + norms;
  return hiddenSize + 3 * self + cross + labels * (hiddenSize + 1);
}

/** Tensors of a classifier: the query, three blocks of 16, the cross-attention's 14, the linear layer. */
export const classifierTensors = 1 + 3 * 16 + 14 + 2;
