// Colour limits over a whole run: exact percentiles or extremes of values that pass by several times, in memory that
// does not grow.

import type { Limits } from '../models/model.ts';

/** From where to where colours reach: between two percentiles of each component, or between its extremes. */
export const scalings = ['percentile', 'min-max'] as const;

/** How values become colours: from which to which value of each component. */
export interface Scaling {
  readonly scaling: (typeof scalings)[number];
  /** In percent, of all valid tokens of the run; used by `percentile`. */
  readonly lowPercentile: number;
  readonly highPercentile: number;
}

/** The scaling by default. */
export const defaultScaling: Scaling = { scaling: 'percentile', lowPercentile: 1, highPercentile: 99 };

/** Passes over all values, as often as it is called: chunks of `[rows, components]`; NaN marks tokens without data. */
export type Passes = () => AsyncIterable<Float32Array> | Iterable<Float32Array>;

const bins = 65536;
const word = new Uint32Array(1);
const real = new Float32Array(word.buffer);

/** Bits of a float32 that sort as the numbers do. */
function orderOf(value: number): number {
  real[0] = value === 0 ? 0 : value; // -0 and 0 are one value
  const bits = word[0]!;
  return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}

function valueOf(order: number): number {
  word[0] = order & 0x80000000 ? order & 0x7fffffff : ~order;
  return real[0]!;
}

/** Components that are looked at in one pass: their histograms take 16 MiB, and up to twice that once more. */
const atOnce = 32;

/**
 * The limits of each component, the same whatever the chunks. Percentiles are interpolated as numpy's are; a component
 * of one value gets limits half a unit to each side, so that it becomes the middle colour. Without a single valid
 * value: `[0, 1]`.
 */
export async function findLimits(passes: Passes, components: number, scaling: Scaling): Promise<Limits> {
  const limits: (readonly [number, number])[] = [];
  for (let first = 0; first < components; first += atOnce)
    limits.push(...(await limitsOf(passes, components, first, Math.min(components, first + atOnce), scaling)));
  return limits;
}

/** A component's values, counted by the upper half of their bits. */
interface Survey {
  readonly component: number;
  readonly histogram: Float64Array;
  count: number;
  lowest: number;
  highest: number;
}

async function limitsOf(
  passes: Passes,
  components: number,
  first: number,
  end: number,
  { scaling, lowPercentile, highPercentile }: Scaling,
): Promise<Limits> {
  const surveys = Array.from({ length: end - first }, (_, k): Survey => ({
    component: first + k,
    histogram: new Float64Array(bins),
    count: 0,
    lowest: Infinity,
    highest: -Infinity,
  }));
  for await (const chunk of passes()) {
    for (const survey of surveys) {
      for (let at = survey.component; at < chunk.length; at += components) {
        const value = chunk[at]!;
        if (value !== value) continue;
        survey.count++;
        if (value < survey.lowest) survey.lowest = value;
        if (value > survey.highest) survey.highest = value;
        survey.histogram[orderOf(value) >>> 16]!++;
      }
    }
  }
  if (scaling === 'min-max') return surveys.map(({ count, lowest, highest }) => spread(count, lowest, highest));

  // Which values are wanted: the neighbours of both percentiles, by rank; each lies in one bin, which a second pass
  // looks into.
  const wanted = surveys.map(({ component, count, histogram }) => {
    const percentiles = [lowPercentile, highPercentile].map((percent) => {
      const position = (Math.max(0, count - 1) * percent) / 100;
      return {
        fraction: position - Math.floor(position),
        ranks: [Math.floor(position), Math.ceil(position)].map((rank) => locate(histogram, rank)),
      };
    });
    return {
      component,
      count,
      percentiles,
      inner: new Map(
        percentiles.flatMap(({ ranks }) => ranks.map(({ bin }) => [bin, new Float64Array(bins)] as const)),
      ),
    };
  });
  for await (const chunk of passes()) {
    for (const { component, inner } of wanted) {
      for (let at = component; at < chunk.length; at += components) {
        const value = chunk[at]!;
        if (value !== value) continue;
        const order = orderOf(value);
        const histogram = inner.get(order >>> 16);
        if (histogram) histogram[order & 0xffff]!++;
      }
    }
  }
  return wanted.map(({ count, percentiles, inner }) => {
    const [low, high] = percentiles.map(({ fraction, ranks }) => {
      const [below, above] = ranks.map(({ bin, rest }) => valueOf(bin * bins + locate(inner.get(bin)!, rest).bin));
      return below! + (above! - below!) * fraction;
    });
    return spread(count, low!, high!);
  });
}

/** The bin that holds the value of this rank, and its rank within the bin. */
function locate(histogram: Float64Array, rank: number): { bin: number; rest: number } {
  let rest = rank;
  for (let bin = 0; bin < histogram.length; bin++) {
    if (rest < histogram[bin]!) return { bin, rest };
    rest -= histogram[bin]!;
  }
  return { bin: histogram.length - 1, rest: 0 };
}

function spread(count: number, low: number, high: number): readonly [number, number] {
  if (count === 0) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}
