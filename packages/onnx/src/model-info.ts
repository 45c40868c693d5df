// What there is to know of a model before it runs: architecture, parameters, bytes, tokens, arithmetic, memory.

import { stat } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import type { EncoderArchitecture } from './architecture.ts';
import { openCheckpoint } from './checkpoint.ts';
import { familyOf } from './choose-family.ts';
import { countEncoder, estimate, type Estimate } from './estimate.ts';
import type { AnyFamily } from './family.ts';
import { fetchFromHub, parseHubName } from './hub.ts';
import { completeSnapshot, knownCommit, repositoryCache, snapshotFolder } from './hub-cache.ts';
import { hubEnvironment, type Variables } from './hub-environment.ts';
import { didYouMean } from './hub-refusals.ts';
import { formatBytes, formatCount, formatFlop, table } from './model-text.ts';
import { precisions, type Precision } from './precision.ts';
import { findPublished, namesOf, type Published } from './published.ts';

/** The clip that costs are estimated for, and where the cache lies. */
export interface ModelInfoOptions {
  /** Frames of a clip; 16 by default. */
  readonly frames?: number | undefined;
  /** Pixels of the encoder's input; the checkpoint's own crop by default. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** Sequences in one call: clips, or frames where each is encoded by itself. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly variables?: Variables | undefined;
}

/** What is known of a model without running it. */
export interface ModelInfo {
  readonly name: string;
  readonly summary: string;
  /**
   * Where it was found: made in memory, a folder or file, the Hub's cache, or the list of published checkpoints alone.
   */
  readonly source: 'builtin' | 'folder' | 'cache' | 'catalogue';
  readonly path: string | null;
  readonly revision: string | null;
  readonly architecture: EncoderArchitecture;
  /** What its checkpoints were trained on. */
  readonly trainedOn: string;
  /** The paper to cite for the architecture. */
  readonly citation: string;
  /** Values of the encoder. */
  readonly parameters: number;
  readonly tensors: number;
  /** Bytes of the files of weights (with predictor and classifier); `null` where they are not known. */
  readonly fileBytes: number | null;
  readonly labels: number;
  /** The authors' own file, and under which key the encoder lies in it. */
  readonly original: Published<EncoderArchitecture>['original'];
  readonly clip: {
    readonly frames: number;
    readonly height: number;
    readonly width: number;
    readonly batchSize: number;
  };
  readonly estimates: Readonly<Record<Precision, Estimate>>;
}

/**
 * Looks into a model of one of `families` without loading or downloading it. Throws an `InputError` when it is not
 * found here nor in a list of published checkpoints.
 */
export async function modelInfo(
  families: readonly AnyFamily[],
  model: string,
  options: ModelInfoOptions = {},
): Promise<ModelInfo> {
  const { family, ...found } = await find(families, model, options);
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
    precisions.map((precision) => [precision, estimate(family, architecture, { ...clip, precision })]),
  ) as Record<Precision, Estimate>;
  const { parameters, tensors } = countEncoder(family, architecture);
  const trainedOn = family.trainedOn(architecture);
  return { ...found, trainedOn, citation: family.citation(architecture), parameters, tensors, clip, estimates };
}

type Found = Omit<ModelInfo, 'parameters' | 'tensors' | 'clip' | 'estimates' | 'trainedOn' | 'citation'> & {
  readonly family: AnyFamily;
};

async function find(
  families: readonly AnyFamily[],
  model: string,
  { signal, variables }: ModelInfoOptions,
): Promise<Found> {
  for (const family of families) {
    const { builtin } = family;
    if (builtin?.name !== model) continue;
    return {
      family,
      name: builtin.title,
      summary: builtin.summary,
      source: 'builtin',
      path: null,
      revision: null,
      architecture: family.readConfig(builtin.config, builtin.name),
      fileBytes: null,
      labels: 0,
      original: null,
    };
  }
  if (await stat(model).catch(() => undefined)) return look(families, model, model, 'folder', null);
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
    return look(families, model, folder, 'cache', commit);
  }
  for (const family of families) {
    const entry = findPublished<Published<EncoderArchitecture>>(family.catalogue, hub.name);
    if (!entry) continue;
    return {
      family,
      name: model,
      summary: entry.summary,
      source: 'catalogue',
      path: null,
      revision: null,
      architecture: entry.architecture(),
      fileBytes: entry.fileParameters === undefined ? null : 4 * entry.fileParameters,
      labels: entry.labels,
      original: entry.original,
    };
  }
  const close = didYouMean(
    hub.name,
    families.flatMap(({ catalogue }) => namesOf(catalogue)),
  );
  throw new InputError(model, 'is neither on this machine nor an official checkpoint.', {
    code: 'E_MODEL_NOT_CACHED',
    remedy: `${close ? `Did you mean ${close}? Or fetch it` : 'Fetch it'} first: deepearth model fetch ${model}`,
  });
}

async function look(
  families: readonly AnyFamily[],
  name: string,
  path: string,
  source: 'folder' | 'cache',
  revision: string | null,
): Promise<Found> {
  const family = await familyOf(families, path);
  const checkpoint = await openCheckpoint(family, path, { name });
  try {
    const { architecture } = checkpoint;
    const entry =
      source === 'cache'
        ? findPublished<Published<EncoderArchitecture>>(family.catalogue, name.split('@')[0]!)
        : undefined;
    const sizes = await Promise.all(
      checkpoint.files.filter((file) => !file.endsWith('config.json')).map(async (file) => (await stat(file)).size),
    );
    return {
      family,
      name,
      summary: entry?.summary ?? family.summary(architecture),
      source,
      path,
      revision,
      architecture,
      fileBytes: sizes.reduce((sum, size) => sum + size, 0),
      labels: family.labels(architecture).length,
      original: entry?.original ?? null,
    };
  } finally {
    await checkpoint.close();
  }
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
    ['trained on', info.source === 'builtin' ? 'nothing' : info.trainedOn],
    ...(info.fileBytes === null ? [] : [['file', formatBytes(info.fileBytes)] as [string, string]]),
    ...(info.labels ? [['classes', String(info.labels)] as [string, string]] : []),
    ...(info.original ? [['original', `${info.original.url} (${info.original.key})`] as [string, string]] : []),
    ['cite', info.citation],
    ...(info.source === 'builtin'
      ? []
      : [['licence', 'the weights have their own, apart from this software: see the model card'] as [string, string]]),
  ];
  const batch = clip.batchSize > 1 ? `, ${clip.batchSize} at once` : '';
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
