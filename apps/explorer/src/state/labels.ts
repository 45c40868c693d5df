// Tokens that the user has named by hand, and what follows from them for all others.

import { directionsPath } from '@deepearth/sinks/explorer/bundle-index';
import { labelShares, toChannels, type LabelModel, type LabelsFile } from '@deepearth/sinks/explorer/label-model';
import { categoryColor } from '@deepearth/vision/colormaps';
import type { Bundle } from '../bundle/bundle.ts';
import { frameOfStep } from '../bundle/bundle.ts';
import type { Colors } from '../bundle/layer-colors.ts';
import { fitLogistic, type Logistic } from '../bundle/logistic.ts';
import { scores, sumOf, type CodedTokens } from '../bundle/vectors.ts';
import type { Sample } from '../search/search-pool.ts';
import type { Match } from './matches.ts';

/** A token with a label, an index into the names. */
export interface Mark extends Omit<Match, 'score'> {
  readonly label: number;
}

/** What is marked. */
export interface Labels {
  readonly names: readonly string[];
  readonly marks: readonly Mark[];
}

export const noLabels: Labels = { names: ['A', 'B'], marks: [] };

type Indexed = Some<Bundle, 'clips' | 'code'>;
/** Some of the properties. */
type Some<T, K extends keyof T> = { readonly [P in K]: T[P] };

/** A model of all marks; `undefined` while fewer than two labels have any. */
export async function fitLabels(
  { clips, code }: Indexed,
  { names, marks }: Labels,
  tokens: (clip: number) => Promise<CodedTokens>,
): Promise<Logistic | undefined> {
  if (new Set(marks.map(({ label }) => label)).size < 2) return undefined;
  const vectors: Float32Array[] = [];
  for (const { clip, step, row, column } of marks) {
    const [, height, width] = clips[clip]!.grid;
    vectors.push(sumOf(code, await tokens(clip), [(step * height + row) * width + column]));
  }
  return fitLogistic(
    vectors,
    marks.map(({ label }) => label),
    names.length,
    code.colors.center,
  );
}

/** Probabilities of the labels of each token, NaN where it saw no data. */
function probabilities(code: Bundle['code'], tokens: CodedTokens, { weights, bias }: Logistic): number[][] {
  const shares = labelShares(
    weights.map((weight) => scores(code, tokens, weight)),
    bias,
  );
  return Array.from({ length: tokens.length / code.bytes }, (_, token) => [
    ...shares.subarray(token * bias.length, (token + 1) * bias.length),
  ]);
}

/** The likeliest label of each token, -1 where it saw no data. */
export const labelsOfTokens = (code: Bundle['code'], tokens: CodedTokens, model: Logistic): Int16Array =>
  Int16Array.from(probabilities(code, tokens, model), (shares) => shares.indexOf(Math.max(...shares)));

/**
 * The model for tokens as the encoder makes them, at length 1, for other runs. Throws where the bundle has no
 * directions: it was made by an earlier version.
 */
export async function modelForFile({ url }: Pick<Bundle, 'url'>, { weights, bias }: Logistic): Promise<LabelModel> {
  const response = await fetch(url + directionsPath);
  if (!response.ok)
    throw new Error(
      `The labels were saved without what deepearth label needs: this page was made by an earlier version (${response.status} for ${directionsPath}).`,
    );
  const directions = new Float32Array(await response.arrayBuffer());
  return {
    weights: weights.map((weight) => [...toChannels(weight, directions)].map((value) => Number(value.toPrecision(8)))),
    bias: bias.map((value) => (Number.isFinite(value) ? value : null)),
  };
}

/** The colour of the likeliest label, fainter where it is less sure. */
export function labelColors(code: Bundle['code'], tokens: CodedTokens, model: Logistic): Colors {
  const out = new Uint8ClampedArray((tokens.length / code.bytes) * 4);
  probabilities(code, tokens, model).forEach((shares, token) => {
    const most = Math.max(...shares);
    if (Number.isNaN(most)) return;
    out.set(categoryColor(shares.indexOf(most)), token * 4);
    const least = 1 / shares.length;
    out[token * 4 + 3] = 60 + (195 * (most - least)) / (1 - least);
  });
  return out;
}

/**
 * Tokens of a sample between whose two likeliest labels there is least, each of another step, and of a clip no cell
 * twice; the score is the difference.
 */
export function uncertain(
  { clips, code, stepsBefore }: Indexed & { readonly stepsBefore: Uint32Array },
  { tokens, steps, cells }: Sample,
  model: Logistic,
  count: number,
): Match[] {
  const margins = probabilities(code, tokens, model).map((shares) => {
    const [first = 0, second = 0] = [...shares].sort((a, b) => b - a);
    return first - second;
  });
  const order = [...margins.keys()]
    .filter((row) => !Number.isNaN(margins[row]))
    .sort((a, b) => margins[a]! - margins[b]!);
  const seen = new Set<string>();
  const found: Match[] = [];
  for (const row of order) {
    if (found.length >= count) break;
    const at = steps[row]!;
    const cell = cells[row]!;
    const clip = stepsBefore.findLastIndex((before) => before <= at);
    // The same place a moment later would tell little more.
    const places = [`step ${at}`, `clip ${clip}, cell ${cell}`];
    if (places.some((place) => seen.has(place))) continue;
    for (const place of places) seen.add(place);
    const width = clips[clip]!.grid[2];
    found.push({
      clip,
      step: at - stepsBefore[clip]!,
      row: Math.floor(cell / width),
      column: cell % width,
      score: margins[row]!,
    });
  }
  return found;
}

/** As a file has them: by names and numbers that mean the same in the run's own files. */
export function labelsFile(
  { clips, clipsOf, sequences, encoder }: Some<Bundle, 'clips' | 'clipsOf' | 'sequences' | 'encoder'>,
  { names, marks }: Labels,
  model?: LabelModel,
): string {
  const listed = marks.map(({ label, clip, step, row, column }) => {
    const { sequence } = clips[clip]!;
    const { name, numbers } = sequences[sequence]!;
    const frame = numbers[frameOfStep(clips[clip]!, step)];
    const place = { clip: clipsOf[sequence]!.indexOf(clip), frame: frame!, step, row, column };
    return { label: names[label]!, sequence: name, ...place };
  });
  const file: LabelsFile = { format: 1, encoder, labels: names, marks: listed, ...(model && { model }) };
  // A mark on a line, and the many numbers of the model on one.
  const text = JSON.stringify({ ...file, model: undefined }, null, 1);
  return model ? `${text.slice(0, -2)},\n "model": ${JSON.stringify(model)}\n}\n` : `${text}\n`;
}

/** What a file says of this run; marks of tokens that it does not have are counted. Throws where it is no such file. */
export function labelsOf(
  { clips, clipsOf, sequences }: Some<Bundle, 'clips' | 'clipsOf' | 'sequences'>,
  text: string,
): Labels & { readonly strangers: number } {
  const file = JSON.parse(text) as { format?: unknown; labels?: unknown; marks?: unknown };
  if (file.format !== 1 || !Array.isArray(file.labels) || !Array.isArray(file.marks))
    throw new Error('This is no file of labels.');
  const names = file.labels.map(String);
  const marks = (file.marks as Record<string, unknown>[]).flatMap((mark): Mark[] => {
    const sequence = sequences.findIndex(({ name }) => name === mark['sequence']);
    const clip = clipsOf[sequence]?.[Number(mark['clip'])];
    const label = names.indexOf(String(mark['label']));
    const [step, row, column] = ['step', 'row', 'column'].map((name) => Number(mark[name])) as [number, number, number];
    const grid = clip === undefined ? undefined : clips[clip]!.grid;
    const there = grid && [step, row, column].every((at, axis) => Number.isInteger(at) && at >= 0 && at < grid[axis]!);
    return there && label >= 0 ? [{ label, clip: clip!, step, row, column }] : [];
  });
  return { names, marks, strangers: file.marks.length - marks.length };
}
