// What there is to know of a model before it runs: architecture, parameters, bytes, tokens, arithmetic, memory.

import { stat } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import { readConfig, type Architecture } from './architecture.ts';
import { builtinConfig, builtinName, builtinTitle } from './builtin.ts';
import { encoderOf, fileParameters, findEntry, knownNames, type CatalogueEntry } from './catalogue.ts';
import { countParameters, countTensors, estimate, type Estimate } from './estimate.ts';
import { fetchFromHub, parseHubName } from '@deepearth/onnx/hub';
import { completeSnapshot, knownCommit, repositoryCache, snapshotFolder } from '@deepearth/onnx/hub-cache';
import { hubEnvironment, type Variables } from '@deepearth/onnx/hub-environment';
import { didYouMean } from '@deepearth/onnx/hub-refusals';
import { summarise } from './model-list.ts';
import { precisions, type Precision } from '@deepearth/onnx/precision';
import { formatBytes, formatCount, formatFlop, table } from '@deepearth/onnx/model-text';

export interface ModelInfoOptions {
  /** Frames of a clip; 16 unless told. */
  readonly frames?: number | undefined;
  /** Pixels of the encoder's input; the crop that the checkpoint was trained on unless told. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly variables?: Variables | undefined;
}

export interface ModelInfo {
  readonly name: string;
  readonly summary: string;
  /**
   * Where it was found: made in memory, a folder or file, the Hub's cache, or the list of official checkpoints alone.
   */
  readonly source: 'builtin' | 'folder' | 'cache' | 'catalogue';
  readonly path: string | null;
  readonly revision: string | null;
  readonly architecture: Architecture;
  /** Of the encoder. */
  readonly parameters: number;
  readonly tensors: number;
  /** Bytes of the files of weights (with predictor and classifier); `null` where they are not known. */
  readonly fileBytes: number | null;
  readonly labels: number;
  /** Meta's own file, and under which key the encoder lies in it. */
  readonly original: CatalogueEntry['original'] | null;
  readonly clip: {
    readonly frames: number;
    readonly height: number;
    readonly width: number;
    readonly batchSize: number;
  };
  readonly estimates: Readonly<Record<Precision, Estimate>>;
}

/**
 * Looks into a model without loading or downloading it. Throws an `InputError` when it is not found here nor in the
 * list of official checkpoints.
 */
export async function modelInfo(model: string, options: ModelInfoOptions = {}): Promise<ModelInfo> {
  const found = await find(model, options);
  const { architecture } = found;
  const { frames = 16, height = architecture.cropSize, width = architecture.cropSize, batchSize = 1 } = options;
  for (const [name, value, step] of [
    ['frames', frames, 1],
    ['height', height, architecture.patchSize],
    ['width', width, architecture.patchSize],
    ['batchSize', batchSize, 1],
  ] as const)
    if (!Number.isInteger(value) || value < 1 || value % step)
      throw new InputError(
        model,
        `${name} is a positive ${step === 1 ? 'whole number' : `multiple of ${step}`}, got ${value}`,
      );
  const clip = { frames, height, width, batchSize };
  const estimates = Object.fromEntries(
    precisions.map((precision) => [precision, estimate(architecture, { ...clip, precision })]),
  ) as Record<Precision, Estimate>;
  return { ...found, parameters: countParameters(architecture), tensors: countTensors(architecture), clip, estimates };
}

type Found = Omit<ModelInfo, 'parameters' | 'tensors' | 'clip' | 'estimates'>;

async function find(model: string, { signal, variables }: ModelInfoOptions): Promise<Found> {
  if (model === builtinName) {
    const architecture = readConfig(builtinConfig, builtinName);
    const summary = 'V-JEPA 2 architecture, constructed, not trained: colour, texture, motion and neighbourhood';
    return {
      name: builtinTitle,
      summary,
      source: 'builtin',
      path: null,
      revision: null,
      architecture,
      fileBytes: null,
      labels: 0,
      original: null,
    };
  }
  if (await stat(model).catch(() => undefined)) return look(model, model, 'folder', null);
  const hub = parseHubName(model);
  if (!hub)
    throw new InputError(model, 'is no folder, no file and no name of a model.', {
      code: 'E_MODEL_MISSING',
      remedy: 'See deepearth model list.',
    });
  const cache = repositoryCache(hubEnvironment(variables).cache, hub.name);
  const commit = await knownCommit(cache, hub.revision);
  if (commit && (await completeSnapshot(snapshotFolder(cache, commit)))) {
    const { folder } = await fetchFromHub(model, { offline: true, signal, variables });
    return look(model, folder, 'cache', commit);
  }
  const entry = findEntry(hub.name);
  if (!entry) {
    const close = didYouMean(hub.name, knownNames);
    throw new InputError(model, 'is neither on this machine nor an official checkpoint.', {
      code: 'E_MODEL_MISSING',
      remedy: `${close ? `Did you mean ${close}? Or fetch it` : 'Fetch it'} first: deepearth model fetch ${model}`,
    });
  }
  const parameters = fileParameters(entry);
  return {
    name: model,
    summary: summarise(entry),
    source: 'catalogue',
    path: null,
    revision: null,
    architecture: architectureOf(entry),
    fileBytes: parameters === undefined ? null : 4 * parameters,
    labels: entry.task?.labels ?? 0,
    original: entry.original,
  };
}

async function look(name: string, path: string, source: 'folder' | 'cache', revision: string | null): Promise<Found> {
  const { openCheckpoint } = await import('./checkpoint.ts');
  const checkpoint = await openCheckpoint(path, { name });
  try {
    const { architecture } = checkpoint;
    const entry = source === 'cache' ? findEntry(name.split('@')[0]!) : undefined;
    const sizes = await Promise.all(
      checkpoint.files.filter((file) => !file.endsWith('config.json')).map(async (file) => (await stat(file)).size),
    );
    const summary = entry
      ? summarise(entry)
      : `V-JEPA ${architecture.family}, ${architecture.cropSize} px, ${architecture.framesPerClip} frames`;
    const original = entry?.original ?? null;
    return {
      name,
      summary,
      source,
      path,
      revision,
      architecture,
      fileBytes: sizes.reduce((sum, size) => sum + size, 0),
      labels: architecture.labels.length,
      original,
    };
  } finally {
    await checkpoint.close();
  }
}

/** The architecture of an official checkpoint, as its config.json says it. */
export function architectureOf(entry: CatalogueEntry): Architecture {
  const { hiddenSize, layers, heads, mlpSize } = encoderOf(entry);
  return readConfig(
    {
      model_type: entry.family === '2.1' ? 'vjepa21' : 'vjepa2',
      hidden_size: hiddenSize,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      mlp_ratio: mlpSize / hiddenSize,
      crop_size: entry.cropSize,
      frames_per_clip: entry.framesPerClip,
    },
    entry.name,
  );
}

const sources = {
  builtin: 'made in memory',
  folder: 'on disk',
  cache: 'in the Hugging Face cache',
  catalogue: 'not on this machine',
} as const;

/** For people. */
export function renderModelInfo(info: ModelInfo): string {
  const { architecture: a, clip, estimates } = info;
  const { grid, tokens, flop, outputBytes } = estimates.fp32;
  const rows: [string, string][] = [
    ['what', info.summary],
    [
      'where',
      `${sources[info.source]}${info.path ? `: ${info.path}` : ''}${info.revision ? ` (revision ${info.revision.slice(0, 8)})` : ''}`,
    ],
    ['encoder', `${formatCount(info.parameters)} parameters in ${info.tensors} tensors`],
    ['layers', `${a.layers}, hidden size ${a.hiddenSize}, ${a.heads} heads of ${a.headSize}, MLP ${a.mlpSize}`],
    ['trained on', info.source === 'builtin' ? 'nothing' : `clips of ${a.framesPerClip} frames at ${a.cropSize} px`],
    ...(info.fileBytes === null ? [] : [['file', formatBytes(info.fileBytes)] as [string, string]]),
    ...(info.labels ? [['classes', String(info.labels)] as [string, string]] : []),
    ...(info.original ? [['original', `${info.original.url} (${info.original.key})`] as [string, string]] : []),
  ];
  const batch = clip.batchSize > 1 ? `, ${clip.batchSize} clips at once` : '';
  return [
    info.name,
    ...rows.map(([label, text]) => `  ${label.padEnd(11)}${text}`),
    '',
    `A clip of ${clip.frames} frames at ${clip.height} x ${clip.width} px${batch}: ${grid.time} x ${grid.height} x ${grid.width} = ${formatCount(tokens)} tokens, ${formatFlop(flop)}, ${formatBytes(outputBytes)} out.`,
    table(
      ['precision', 'weights', 'peak memory'],
      precisions.map((precision) => [
        precision,
        formatBytes(estimates[precision].weightBytes),
        formatBytes(estimates[precision].peakBytes),
      ]),
    ),
  ].join('\n');
}
