// Finds the tensors of an encoder among all those of a checkpoint, whatever stands before their names.

import type { LazyTensor } from '@deepearth/formats/lazy-tensor';
import type { UnreadTensor } from '@deepearth/formats/unread-tensor';
import { elementCount, type DType } from '@deepearth/core/tensor';
import type { EncoderArchitecture } from './architecture.ts';
import type { ModelFamily } from './family.ts';

/** A tensor of a file, read or not. */
export interface StoredEntry {
  readonly storedName: string;
  readonly file: string;
  readonly tensor: LazyTensor | UnreadTensor;
}

/** The rows of a stored tensor that are one of the encoder's. */
export interface FoundTensor {
  readonly entry: StoredEntry;
  readonly part: number;
  readonly parts: number;
}

/** One encoder of a checkpoint, complete or not. */
interface Candidate {
  /** What stands before the names: `teacher.backbone.`. */
  readonly prefix: string;
  readonly tensors: Map<string, FoundTensor>;
  /** Names that two tensors have. */
  readonly twice: string[];
}

/** An encoder that was found and what was not used. */
export interface FoundEncoder<A extends EncoderArchitecture> {
  readonly architecture: A;
  readonly tensors: ReadonlyMap<string, FoundTensor>;
  /** Tensors of what stands on top of it, by their names behind the same prefix. */
  readonly head: ReadonlyMap<string, StoredEntry>;
  /** What is wrong with it, a line each; empty where it is whole. */
  readonly faults: readonly string[];
  /** What was chosen, and what is not used, a sentence each. */
  readonly notes: readonly string[];
}

/** Modules that compilers, sharding and checkpointing put into the middle of names. */
const inserted = /(?:^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)(?=\.)/g;
/** Modules around a single layer: `blocks.0.module.norm1`. */
const insertedLayer = /(\.\d+)\.module(?=\.)/g;
/** What belongs to training and to no model. */
const training = /^(?:opt|optim|optimizers?|optimizer_states?|optimizer_state_dict|scaler|lr_schedulers?)\./;
/** Averaged weights are the model; those of the last step stand beside them. */
const averaged = /(?:^|[._])(?:target|ema|teacher|averaged?|shadow|swa)(?=[._])/i;
const trained = /(?:^|[._])(?:student|online|context)(?=[._])/i;
const rank = (prefix: string): number => (averaged.test(prefix) ? 0 : trained.test(prefix) ? 2 : 1);

/** Types that weights may have. */
const floats: ReadonlySet<DType> = new Set(['float32', 'float16', 'bfloat16', 'float64']);

const shapeText = (shape: readonly number[] | undefined): string => (shape ? `[${shape.join(', ')}]` : '');

/** The shapes of what was found, of a tensor's own part. */
function shapesOf(found: ReadonlyMap<string, FoundTensor>): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { entry, parts }] of found) {
    const { shape } = entry.tensor;
    if (shape && !('kind' in entry.tensor && entry.tensor.kind === 'unread'))
      shapes.set(name, parts === 1 ? shape : [Math.floor(shape[0]! / parts), ...shape.slice(1)]);
  }
  return shapes;
}

function faultsOf<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  architecture: A,
  candidate: Candidate,
  masked: ReadonlySet<string>,
): string[] {
  const expected = family.expectedTensors(architecture);
  const shapes = shapesOf(candidate.tensors);
  const faults: string[] = [...candidate.twice];
  for (const [name, shape] of expected) {
    const found = candidate.tensors.get(name);
    if (!found) {
      faults.push(`missing ${family.publishedName(name, architecture)} ${shapeText(shape)}`);
      continue;
    }
    const { storedName, tensor } = found.entry;
    if (isUnread(tensor)) faults.push(`${storedName} is ${tensor.what}, which is not read`);
    else if (shapeText(shapes.get(name)) !== shapeText(shape))
      faults.push(`${storedName} is ${shapeText(shapes.get(name))}, expected ${shapeText(shape)}`);
    else if (!floats.has(tensor.dtype)) faults.push(`${storedName} holds ${tensor.dtype}, not floats`);
  }
  // A layer too many is no spare tensor: the config describes another encoder.
  for (const [name, { entry, parts }] of candidate.tensors)
    if (!expected.has(name) && !(parts > 1 && masked.has(entry.storedName)))
      faults.push(`unexpected ${entry.storedName}`);
  return faults;
}

const isUnread = (tensor: LazyTensor | UnreadTensor): tensor is UnreadTensor =>
  'kind' in tensor && (tensor as UnreadTensor).kind === 'unread';

/**
 * Finds the encoder of a checkpoint: every name is tried with and without what stands before its parts, tensors with
 * the same prefix belong together, and of several encoders the one with the fewest faults is taken, averaged weights
 * before those of the last step. `architecture` is the config's; `null` where there is none, and shapes say it. Throws
 * what the family's `inferArchitecture` throws.
 */
export function findEncoder<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  entries: readonly StoredEntry[],
  architecture: A | null,
  path: string,
): FoundEncoder<A> {
  const candidates = new Map<string, Candidate>();
  const heads: { readonly prefix: string; readonly name: string; readonly entry: StoredEntry }[] = [];
  const used = new Set<StoredEntry>();
  for (const entry of entries) {
    if (training.test(entry.storedName)) used.add(entry);
    else place(family, entry, candidates, heads, used);
  }
  // Without a single name that fits, the faults are those of an encoder of which nothing is there.
  if (candidates.size === 0) candidates.set('', { prefix: '', tensors: new Map(), twice: [] });

  // A mask beside a bias of queries, keys and values takes the share out that the encoder does not have (DINOv3's
  // keys).
  const masked = new Set(
    entries.flatMap(({ storedName }) => (storedName.endsWith('_mask') ? [storedName.slice(0, -'_mask'.length)] : [])),
  );
  let problem: unknown;
  const judged = [...candidates.values()].flatMap((candidate) => {
    const shapes = shapesOf(candidate.tensors);
    try {
      const base = architecture ?? family.inferArchitecture?.(shapes, path);
      const own = base && (family.settle?.(base, shapes, path) ?? base);
      return own ? [{ candidate, own, faults: faultsOf(family, own, candidate, masked) }] : [];
    } catch (error) {
      problem ??= error;
      return [];
    }
  });
  judged.sort(
    (a, b) =>
      a.faults.length - b.faults.length ||
      rank(a.candidate.prefix) - rank(b.candidate.prefix) ||
      a.candidate.prefix.length - b.candidate.prefix.length,
  );
  const [best, ...others] = judged;
  if (!best) throw problem;

  const { prefix } = best.candidate;
  const expected = family.expectedTensors(best.own);
  const head = new Map(
    heads.filter((one) => prefix.startsWith(one.prefix)).map(({ name, entry }) => [name, entry] as const),
  );
  const also = others.filter(({ faults }) => faults.length === 0);
  for (const found of [best, ...also].flatMap(({ candidate }) => [...candidate.tensors.values()]))
    used.add(found.entry);
  for (const { entry } of heads) used.add(entry);
  const spare = entries.filter((entry) => !used.has(entry));
  return {
    architecture: best.own,
    tensors: new Map([...best.candidate.tensors].filter(([name]) => expected.has(name))),
    head,
    faults: best.faults,
    notes: [
      ...(also.length
        ? [
            `it holds ${also.length + 1} encoders: that of ${quoted(prefix)} is taken, not that of ${also.map((one) => quoted(one.candidate.prefix)).join(', ')}.`,
          ]
        : []),
      ...(spare.length ? [spareText(spare)] : []),
    ],
  };
}

const quoted = (prefix: string): string => JSON.stringify(prefix);

/** How many names a note gives. */
const mostNamed = 4;

function spareText(spare: readonly StoredEntry[]): string {
  const named = spare
    .slice(0, mostNamed)
    .map(({ storedName, tensor }) => `${storedName} ${shapeText(tensor.shape)}`.trim());
  return `${spare.length === 1 ? '1 tensor is' : `${spare.length} tensors are`} not used: ${named.join(', ')}${spare.length > mostNamed ? ', …' : '.'}`;
}

/** Puts a tensor to the encoders that its name may belong to, one for each way to cut the name. */
function place(
  { meaningOf }: Pick<ModelFamily<EncoderArchitecture>, 'meaningOf'>,
  entry: StoredEntry,
  candidates: Map<string, Candidate>,
  heads: { prefix: string; name: string; entry: StoredEntry }[],
  used: Set<StoredEntry>,
): void {
  const { storedName, tensor } = entry;
  // A tensor without values (no registers: `[1, 0, hiddenSize]`) says nothing.
  if (!isUnread(tensor) && elementCount(tensor.shape) === 0) return void used.add(entry);
  const name = storedName.replace(inserted, '').replace(/^\./, '').replace(insertedLayer, '$1');
  for (let at = 0; at <= name.length; at = name.indexOf('.', at) + 1 || Infinity) {
    const rest = name.slice(at);
    const prefix = name.slice(0, at);
    const meaning = meaningOf(rest);
    if (meaning === undefined) continue;
    if (meaning === 'besides') return void used.add(entry);
    if ('head' in meaning) return void heads.push({ prefix, name: meaning.head, entry });
    const candidate: Candidate = candidates.get(prefix) ?? { prefix, tensors: new Map(), twice: [] };
    candidates.set(prefix, candidate);
    const parts = meaning.encoder.length;
    meaning.encoder.forEach((known, part) => {
      const former = candidate.tensors.get(known);
      if (former) candidate.twice.push(`${former.entry.storedName} and ${storedName} are the same weight`);
      else candidate.tensors.set(known, { entry, part, parts });
    });
  }
}
