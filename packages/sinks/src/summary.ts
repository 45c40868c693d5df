// A readable summary of a run: what it was, its frames, model and reducers, and its files with one line each.

import type { Artifact, ArtifactAbout, UnwrittenFrameTable, Json, ManifestSoFar } from '@deepearth/core';

type Stage = ManifestSoFar['stages'][number];

/**
 * The text of README.txt, line by line: of a hundred thousand files it is long. `beside` are the names of the texts
 * beside it.
 */
export async function* summaryLines(
  manifest: ManifestSoFar,
  files: AsyncIterable<Artifact>,
  beside: { readonly contents: string; readonly manifest: string; readonly page: string | undefined },
): AsyncGenerator<string> {
  const { stages, frames = [], warnings, skipped } = manifest;
  const { title, about } = headOf(manifest);
  yield title;
  yield '='.repeat(title.length);
  yield '';
  yield `${about} ${manifest.message}`;
  if (beside.page !== undefined) yield `${beside.page} shows the pictures and videos in a browser.`;
  yield `${beside.contents} lists the files with size and SHA-256; ${beside.manifest} says how to make them again.`;
  yield '';
  if (frames.length) yield* section('Frames', frames.map(frameLine));
  yield* section('Models', stages.flatMap(modelLine));
  yield* section('Reducers', stages.filter(isReducer).map(reducerLine));
  yield* section(
    'Stages',
    stages.map(({ id, type, in: taken, out }) => `${id} (${type}): ${taken ? `${taken} in, ` : ''}${out} out`),
  );
  yield* section(
    'Warnings',
    warnings.map(({ stage, message }) => `${stage}: ${message}`),
  );
  yield* section(
    'Left out',
    skipped.map(({ item, message }) => `${item}: ${message}`),
  );
  yield 'Files';
  yield '-----';
  for await (const { path, about: of, mediaType, bytes } of files)
    yield `${path}: ${of ? described(of) : mediaType}, ${bytes.toLocaleString('en-US')} bytes`;
}

/** Name of a run, and what made it. */
export const headOf = ({ name, versions }: ManifestSoFar): { readonly title: string; readonly about: string } => ({
  title: name,
  about: `Made by DeepEarth Streams${versions['@deepearth/cli'] ? ` ${versions['@deepearth/cli']}` : ''}.`,
});

function* section(title: string, lines: readonly string[]): Generator<string> {
  if (lines.length === 0) return;
  yield title;
  yield '-'.repeat(title.length);
  yield* lines;
  yield '';
}

function frameLine({ stage, sequence, count, numbers, files, at }: UnwrittenFrameTable): string {
  const [first, last] = typeof files === 'string' ? [files, files] : files.ends!;
  const times = (at?.ends ?? []).filter((time) => time);
  return [
    `${stage}, sequence ${sequence}: ${plural(count, 'frame')}, numbers ${span(...numbers.ends!)}`,
    ...(times.length === 2 ? [`from ${times[0]} to ${times[1]}`] : []),
    `read from ${span(first, last)}`,
  ].join(', ');
}

function modelLine({ id, type, findings }: Stage): string[] {
  const model = findings?.['model'] as { readonly [name: string]: Json } | undefined;
  return model ? [`${id} (${type}): ${text(model['name'])}, ${text(model['precision'])}`] : [];
}

const isReducer = ({ type }: Stage): boolean => type.startsWith('reducer/');

function reducerLine({ id, type, findings = {}, spec }: Stage): string {
  const shares = findings['explainedVarianceRatio'] as readonly number[] | undefined;
  const sizes = findings['clusterSizes'] as readonly number[] | undefined;
  const limits = findings['limits'] as readonly (readonly [number, number])[] | undefined;
  const components = spec.axes.find((axis) => axis.name === 'components')?.size;
  return [
    `${id} (${type}): ${components ? plural(components, 'component') : 'projections'}`,
    ...(findings['tokens'] === undefined ? [] : [`of ${plural(Number(findings['tokens']), 'token')}`]),
    ...(shares ? [`explained variance ${shares.map((share) => `${(100 * share).toFixed(1)} %`).join(', ')}`] : []),
    ...(sizes ? [`tokens of each cluster ${sizes.join(', ')}`] : []),
    ...(limits ? [`colours from ${limits.map(([low, high]) => `${short(low)} to ${short(high)}`).join(', ')}`] : []),
  ].join(', ');
}

/** "tokens [time 8, height 24, width 24, channels 128] float32, sequence north, frames 0 to 15". */
export function described({ kind, layer, reducer, sequence, frames, axes, dtype }: ArtifactAbout): string {
  const shape =
    axes &&
    `[${Object.entries(axes)
      .map(([axis, size]) => `${axis} ${size}`)
      .join(', ')}]`;
  const what = [layer ?? reducer, kindNames[kind] ?? kind].filter(Boolean).join(' ');
  return [
    [what, shape, dtype].filter(Boolean).join(' '),
    ...(sequence === undefined ? [] : [`sequence ${sequence}`]),
    ...(frames?.length ? [`${frames.length === 1 ? 'frame' : 'frames'} ${span(frames[0]!, frames.at(-1)!)}`] : []),
  ].join(', ');
}

const kindNames: Readonly<Record<string, string>> = { artifact: 'archive' };

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
const span = (first: string | number, last: string | number): string =>
  first === last ? `${first}` : `${first} to ${last}`;
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));
const short = (value: number): string => String(Number(value.toPrecision(4)));
