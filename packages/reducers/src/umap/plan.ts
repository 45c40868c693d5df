// Where everything stands in the engine's memory, and how much memory a fit takes.

import { firstFree } from './kernel.ts';

/** Distances that tokens can be compared by. */
export type Metric = 'cosine' | 'euclidean' | 'correlation' | 'manhattan';

/**
 * How rows are prepared (0 as they are, 1 unit length, 2 centred and unit length) and which distance ranks them (3:
 * manhattan).
 */
export const preparations: Record<Metric, number> = { euclidean: 0, manhattan: 0, cosine: 1, correlation: 2 };
export const distances: Record<Metric, number> = { euclidean: 0, cosine: 1, correlation: 2, manhattan: 3 };

/** Rows that are placed at once: enough to keep a matrix product busy, few enough to be cheap. */
export const queryRows = 4096;
/** Rows whose neighbours are searched exhaustively to judge the quick search. */
export const checkedRows = 32;
/** Rows that the start's principal axes and the quantisation's mean are taken from. */
export const axisRows = 2048;
/**
 * Axes that wide tokens are turned onto for the search (a power of 2), and from how many channels and rows on that
 * pays.
 */
export const searchAxes = 256;
const axesFromChannels = 640;
const axesFromRows = 2048;

/** Axes iterated for the start: some more than are kept, so that those converge. */
export const axesFor = (components: number): number => components + 5;

export interface Sizes {
  /** Rows that are fitted. */
  readonly rows: number;
  readonly channels: number;
  readonly neighbors: number;
  readonly components: number;
  readonly threads: number;
}

/** Byte offsets into the memory; names say what stands there. */
export interface Plan extends Sizes {
  /** float32 values from row to row: a multiple of 16, with room for one more than the channels. */
  readonly stride: number;
  /** Candidates kept per row before exact distances decide. */
  readonly candidates: number;
  /** float32 values from position to position. */
  readonly lanes: number;
  readonly tokens: number;
  /** What makes a prepared row the token it was: row * length + mean. */
  readonly lengths: number;
  readonly means: number;
  readonly mean: number;
  readonly sums: number;
  readonly picks: number;
  readonly bytes8: number;
  readonly scales: number;
  readonly biases: number;
  /** Room for the bytes of one row a thread. */
  readonly spare: number;
  /** Axes that the search may use instead of all channels; 0: none. */
  readonly turned: number;
  readonly turnedAxes: number;
  readonly turnedAxes8: number;
  readonly turnedAxisScales: number;
  readonly turned8: number;
  readonly turnedScales: number;
  /** The best limits that any thread knows, one a row. */
  readonly limits: number;
  readonly listScores: number;
  readonly listIndices: number;
  /** Bytes between the lists of one thread and the next. */
  readonly listPitch: number;
  readonly neighbours: number;
  readonly distances: number;
  readonly weights: number;
  readonly rhos: number;
  readonly sigmas: number;
  readonly incoming: number;
  readonly from: number;
  readonly strength: number;
  readonly starts: number;
  readonly columns: number;
  readonly rates: number;
  readonly positions: number;
  readonly nextPositions: number;
  readonly forces: number;
  /** Room for the edges that are due, 512 bytes a thread. */
  readonly due: number;
  readonly axes: number;
  readonly spread: number;
  readonly axisOffsets: number;
  readonly products: number;
  readonly queries: number;
  readonly queryLengths: number;
  readonly queryMeans: number;
  readonly queryBytes8: number;
  readonly queryScales: number;
  readonly queryBiases: number;
  readonly queryTurned8: number;
  readonly queryTurnedScales: number;
  readonly queryNeighbours: number;
  readonly queryDistances: number;
  readonly queryWeights: number;
  readonly queryRhos: number;
  readonly querySigmas: number;
  readonly queryPositions: number;
  /** All of it. */
  readonly end: number;
}

const upTo = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Lays the memory out. A pure function: planning costs nothing. */
export function planMemory({ rows, channels, neighbors, components, threads }: Sizes): Plan {
  const stride = upTo(channels + 1, 16);
  // Enough for 8 bits to miss hardly any of the neighbours: with nine more than wanted they missed one in 500 of tokens
  // that are alike, and float32 takes three times as long.
  const candidates = upTo(Math.max(neighbors + 12, Math.ceil(neighbors * 1.6)), 8);
  const lanes = upTo(components, 4);
  const axes = axesFor(components);
  const turned = channels >= axesFromChannels && rows >= axesFromRows ? searchAxes : 0;
  let at = firstFree;
  const take = (bytes: number): number => {
    const offset = at;
    at += upTo(bytes, 64);
    return offset;
  };
  const listRows = Math.max(rows, queryRows);
  const listBytes = upTo(listRows * candidates * 4, 64);
  const edges = rows * neighbors * 4;
  return {
    rows,
    channels,
    neighbors,
    components,
    threads,
    stride,
    candidates,
    lanes,
    tokens: take(rows * stride * 4),
    lengths: take(rows * 4),
    means: take(rows * 4),
    mean: take(stride * 4),
    sums: take(stride * 8),
    picks: take(Math.max(axisRows, checkedRows) * 4),
    bytes8: take(rows * stride),
    scales: take(rows * 4),
    biases: take(rows * 4),
    spare: take(threads * stride),
    turned,
    turnedAxes: take(turned * stride * 4),
    turnedAxes8: take(turned * stride),
    turnedAxisScales: take(turned * 4),
    turned8: take(rows * turned),
    turnedScales: take(turned ? rows * 4 : 0),
    limits: take(listRows * 4),
    listPitch: 2 * listBytes,
    listScores: take(2 * listBytes * threads),
    listIndices: at - 2 * listBytes * threads + listBytes,
    neighbours: take(edges),
    distances: take(edges),
    weights: take(edges),
    rhos: take(rows * 4),
    sigmas: take(rows * 4),
    incoming: take((rows + 1) * 4),
    from: take(edges),
    strength: take(edges),
    starts: take((rows + 1) * 4),
    columns: take(2 * edges),
    rates: take(2 * edges),
    positions: take(rows * lanes * 4),
    nextPositions: take(rows * lanes * 4),
    forces: take(2 * 32768 * 4),
    due: take(threads * 512),
    axes: take(axes * stride * 4),
    spread: take(axes * stride * 4),
    axisOffsets: take(axes * 4),
    products: take(Math.max(rows, axisRows) * upTo(axes, 4) * 4),
    queries: take(queryRows * stride * 4),
    queryLengths: take(queryRows * 4),
    queryMeans: take(queryRows * 4),
    queryBytes8: take(queryRows * stride),
    queryScales: take(queryRows * 4),
    queryBiases: take(queryRows * 4),
    queryTurned8: take(queryRows * turned),
    queryTurnedScales: take(queryRows * 4),
    queryNeighbours: take(queryRows * neighbors * 4),
    queryDistances: take(queryRows * neighbors * 4),
    queryWeights: take(queryRows * neighbors * 4),
    queryRhos: take(queryRows * 4),
    querySigmas: take(queryRows * 4),
    queryPositions: take(queryRows * lanes * 4),
    end: at,
  };
}
