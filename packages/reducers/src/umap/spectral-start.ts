// A start from the graph's spectrum; the parts of a graph that falls apart are laid out one by one, as umap-learn does
// (umap/spectral.py).

import { symmetricEigen } from '../pca/eigen.ts';
import type { Sliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import { smallestEigenpairs, type Graph } from './spectrum.ts';

/** Beyond this many parts their places relative to one another are left to chance. */
const mostParts = 256;

/** `[nodes]` numbers of the connected part that each node belongs to, and how many parts there are. */
export function connectedParts({ starts, columns }: Graph): { part: Uint32Array; count: number } {
  const nodes = starts.length - 1;
  const part = new Uint32Array(nodes).fill(0xffffffff);
  const queue = new Uint32Array(nodes);
  let count = 0;
  for (let first = 0; first < nodes; first++) {
    if (part[first] !== 0xffffffff) continue;
    let [head, tail] = [0, 0];
    queue[tail++] = first;
    part[first] = count;
    while (head < tail) {
      const node = queue[head++]!;
      for (let e = starts[node]!; e < starts[node + 1]!; e++) {
        if (part[columns[e]!] !== 0xffffffff) continue;
        part[columns[e]!] = count;
        queue[tail++] = columns[e]!;
      }
    }
    count++;
  }
  return { part, count };
}

/**
 * Coordinates `[nodes, components]`. `centre(part)` returns the mean of a part's tokens, asked for only when there are
 * many parts.
 */
export function* spectralPositions(
  graph: Graph,
  components: number,
  seed: number,
  centre: (nodes: readonly number[]) => Float64Array,
): Sliced<Float64Array> {
  const nodes = graph.starts.length - 1;
  const random = seededRandom(seed, 4);
  const { part, count } = connectedParts(graph);
  if (count === 1) return yield* eigenPositions(graph, components, random);
  const members: number[][] = Array.from({ length: count }, () => []);
  part.forEach((p, node) => members[p]!.push(node));
  const places = yield* partPlaces(members, components, random, centre);
  const out = new Float64Array(nodes * components);
  for (const [p, own] of members.entries()) {
    const room = clearance(places, p, components) / 2;
    const small = own.length < 2 * components || own.length <= components + 1;
    const local = small
      ? Float64Array.from({ length: own.length * components }, () => (random() * 2 - 1) * room)
      : yield* eigenPositions(cut(graph, own), components, random);
    const peak = local.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const scale = small || peak === 0 ? 1 : room / peak;
    own.forEach((node, i) => {
      for (let c = 0; c < components; c++)
        out[node * components + c] = places[p * components + c]! + local[i * components + c]! * scale;
    });
    yield;
  }
  return out;
}

function* eigenPositions(graph: Graph, components: number, random: () => number): Sliced<Float64Array> {
  const nodes = graph.starts.length - 1;
  if (nodes <= components + 2) return Float64Array.from({ length: nodes * components }, () => random() * 2 - 1);
  const { vectors } = yield* smallestEigenpairs(graph, components);
  return Float64Array.from(
    { length: nodes * components },
    (_, at) => vectors[(at % components) * nodes + Math.floor(at / components)]!,
  );
}

/** The graph among some of its nodes, which are all of a connected part. */
function cut({ starts, columns, weights }: Graph, nodes: readonly number[]): Graph {
  const place = new Map(nodes.map((node, i) => [node, i]));
  const edges = nodes.flatMap((node) =>
    Array.from({ length: starts[node + 1]! - starts[node]! }, (_, e) => starts[node]! + e),
  );
  let at = 0;
  return {
    starts: Uint32Array.from([0, ...nodes.map((node) => (at += starts[node + 1]! - starts[node]!))]),
    columns: Uint32Array.from(edges, (e) => place.get(columns[e]!)!),
    weights: Float32Array.from(edges, (e) => weights[e]!),
  };
}

/**
 * Where the parts go: on the axes when they are few, by the spectrum of their centres' affinities when they are many.
 */
function* partPlaces(
  members: readonly (readonly number[])[],
  components: number,
  random: () => number,
  centre: (nodes: readonly number[]) => Float64Array,
): Sliced<Float64Array> {
  const count = members.length;
  const places = new Float64Array(count * components);
  if (count <= 2 * components) {
    const half = Math.ceil(count / 2);
    for (let p = 0; p < count; p++) places[p * components + (p % half)] = p < half ? 1 : -1;
    return places;
  }
  if (count > mostParts) return places.map(() => random() * 2 - 1);
  const centres: Float64Array[] = [];
  for (const nodes of members) {
    centres.push(centre(nodes));
    yield;
  }
  const affinity = new Float64Array(count * count);
  const degrees = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    for (let q = 0; q < count; q++) {
      const square = centres[p]!.reduce((sum, value, c) => sum + (value - centres[q]![c]!) ** 2, 0);
      affinity[p * count + q] = Math.exp(-square);
      degrees[p]! += affinity[p * count + q]!;
    }
    yield;
  }
  for (let p = 0; p < count; p++)
    for (let q = 0; q < count; q++) affinity[p * count + q]! /= Math.sqrt(degrees[p]! * degrees[q]!);
  const { vectors } = yield* symmetricEigen(affinity, count);
  let peak = 0;
  for (let p = 0; p < count; p++) {
    for (let c = 0; c < components; c++) {
      places[p * components + c] = vectors[(c + 1) * count + p]! / Math.sqrt(degrees[p]!);
      peak = Math.max(peak, Math.abs(places[p * components + c]!));
    }
  }
  return places.map((value) => value / peak + (random() - 0.5) * 1e-3);
}

/** Distance of a part's place to the nearest other one. */
function clearance(places: Float64Array, own: number, components: number): number {
  let least = Infinity;
  for (let p = 0; p * components < places.length; p++) {
    if (p === own) continue;
    let square = 0;
    for (let c = 0; c < components; c++) square += (places[p * components + c]! - places[own * components + c]!) ** 2;
    if (square > 0) least = Math.min(least, square);
  }
  return least === Infinity ? 1 : Math.sqrt(least);
}
