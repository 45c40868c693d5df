// Makes one run of runs over parts of the same input.

import { inOrderOf } from './book.ts';
import { byPath } from './by-path.ts';
import type { RunStatus } from './events.ts';
import { InputError } from './errors.ts';
import { mergeFrameTables } from './frame-tables.ts';
import { digestOf, entriesIn, readBooks } from './former-run.ts';
import { jsonPieces } from './json-pieces.ts';
import { canonicalJson } from './lineage.ts';
import type { Manifest, ManifestOutput } from './manifest.ts';
import { refuseForeignManifest, refuseNotOurs } from './not-ours.ts';
import { readManifest } from './read-manifest.ts';
import { manifestName } from './safe-path.ts';
import type { ByteSource } from './byte-source.ts';
import type { Range } from './stage.ts';
import type { RunStore } from './store.ts';

/**
 * Copies the outputs of finished runs of one pipeline over parts of its input into one store, each proven by its
 * digest, and writes the manifest of the whole last. Parts are taken in the order of their ranges, whatever the order
 * of `parts`. Throws an `InputError` for a part that did not end well, for parts of different pipelines, for parts that
 * leave a gap, for two files of one name with different content, and where a file of nobody's would be replaced.
 */
export async function mergeRuns(parts: readonly RunStore[], into: RunStore): Promise<Manifest> {
  if (parts.length === 0) throw new InputError(into.name, 'there are no runs to merge.', { code: 'E_MERGE' });
  const read = await Promise.all(parts.map(async (store) => ({ store, manifest: await manifestOf(store) })));
  const start = ({ manifest }: (typeof read)[number]): number => manifest.range?.first ?? 0;
  const runs = read.sort((a, b) => start(a) - start(b));
  const first = runs[0]!;
  for (const { store, manifest } of runs) {
    if (manifest.clips)
      throw refused(store, 'it is a shard, which holds tokens and no results.', 'Use `deepearth merge` for shards.');
    if (manifest.status !== 'done' && manifest.status !== 'skipped')
      throw refused(store, `its run ended as "${manifest.status}".`, 'Run it again with --resume.');
    if (recipe(manifest) !== recipe(first.manifest))
      throw refused(store, `it was made by another pipeline than ${first.store.name}.`, 'Merge runs of one pipeline.');
  }
  const range = united(runs);
  const lock = await into.lock();
  try {
    const books = await readBooks(into);
    await refuseForeignManifest(into, books);
    const { manifest: there } = books;
    if (there && there.name !== first.manifest.name && there.outputs!.length > 0)
      throw refused(
        into,
        `it holds results of the pipeline ${JSON.stringify(there.name)}, not of ${JSON.stringify(first.manifest.name)}.`,
        'Merge into another folder.',
      );
    const before = entriesIn(books);
    const outputs = new Map<string, ManifestOutput>();
    for (const { store, manifest } of runs) {
      for (const entry of manifest.outputs) {
        const known = outputs.get(entry.path);
        if (known && known.sha256 !== entry.sha256)
          throw refused(store, `${entry.path} differs from the file of that name in another part.`);
        if (!known && !sameStore(store, into)) await refuseNotOurs(into, entry.path, before);
        if (!known) await copy(entry, store, into);
        outputs.set(entry.path, entry);
      }
    }
    const merged = mergeManifests(
      runs.map(({ manifest }) => manifest),
      [...outputs.values()],
      range,
      [...before.values()].filter(({ path }) => !outputs.has(path)),
    );
    await into.put(manifestName, jsonPieces(merged));
    await into.settle(false);
    return merged;
  } finally {
    await lock.release();
  }
}

const refused = (store: RunStore, message: string, remedy?: string): InputError =>
  new InputError(store.name, message, { code: 'E_MERGE', remedy });

/** What has to be the same for parts to belong together. */
const recipe = ({ name, pipeline }: Manifest): string => canonicalJson([name, pipeline]);

async function manifestOf(store: RunStore): Promise<Manifest> {
  const manifest = await readManifest(store).catch((cause: unknown) => {
    throw new InputError(store.name, 'its manifest.json cannot be read.', { code: 'E_MERGE', cause });
  });
  if (!manifest) throw refused(store, 'there is no manifest.json.', 'Give folders that a run has written.');
  return manifest;
}

/** The range of all parts together; `undefined` when one of them was the whole. */
function united(runs: readonly { readonly store: RunStore; readonly manifest: Manifest }[]): Range | undefined {
  let all: Range | undefined;
  for (const { store, manifest } of runs) {
    const { range } = manifest;
    if (!range) return undefined;
    if (all && range.first > all.end)
      throw refused(
        store,
        `it begins at ${range.first}, and the parts before end at ${all.end}.`,
        'Add the part between.',
      );
    all = { first: all?.first ?? range.first, end: Math.max(all?.end ?? 0, range.end) };
  }
  return all;
}

async function copy(entry: ManifestOutput, from: RunStore, into: RunStore): Promise<void> {
  const file = await from.get(entry.path);
  if (!file) throw refused(from, `${entry.path} is not there any more.`, 'Run it again with --resume.');
  try {
    if ((await digestOf(file)) !== entry.sha256)
      throw refused(from, `${entry.path} has changed since its run.`, 'Run it again with --resume.');
    if (!sameStore(from, into)) await into.put(entry.path, pieces(file));
  } finally {
    await file.close();
  }
}

/** Two stores of one folder are one; stores in memory share a name and nothing else. */
const sameStore = (a: RunStore, b: RunStore): boolean => a === b || (a.workFolder !== undefined && a.name === b.name);

async function* pieces(file: ByteSource, step = 1 << 20): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += step) yield file.read(at, Math.min(step, file.size - at));
}

/** One manifest of several: lists united, counts added, the times from the first start to the last end. */
function mergeManifests(
  parts: readonly Manifest[],
  outputs: readonly ManifestOutput[],
  range: Range | undefined,
  former: readonly ManifestOutput[],
): Manifest {
  const [first] = parts as readonly [Manifest, ...Manifest[]];
  const inputs = new Map(parts.flatMap((part) => part.inputs.map((file) => [file.path, file] as const)));
  const status: RunStatus = parts.some((part) => part.status === 'skipped') ? 'skipped' : 'done';
  const { range: _, clips: _clips, frames: _frames, former: _former, ...rest } = first;
  const frames = mergeFrameTables(parts.map((part) => part.frames ?? []));
  const times = parts.map((part) => part.times);
  const order = inOrderOf(first.stages.map(({ id }) => id));
  return {
    ...rest,
    status,
    times: {
      startedAt: times.map(({ startedAt }) => startedAt).sort()[0]!,
      finishedAt: times
        .map(({ finishedAt }) => finishedAt)
        .sort()
        .at(-1)!,
      seconds: times.reduce((sum, { seconds }) => sum + seconds, 0),
      busySeconds: Object.fromEntries(
        first.stages.map(({ id }) => [
          id,
          Math.round(1000 * times.reduce((sum, { busySeconds }) => sum + (busySeconds[id] ?? 0), 0)) / 1000,
        ]),
      ),
    },
    inputs: [...inputs.values()].sort(byPath),
    ...(frames.length && { frames }),
    outputs: [...outputs].sort(byPath),
    // What earlier runs left there stays known.
    ...(former.length > 0 && { former: [...former].sort(byPath) }),
    stages: first.stages.map(({ findings: _own, ...stage }, index) => {
      const all = parts.map((part) => part.stages[index]!);
      const sum = (of: (counts: (typeof all)[number]) => number): number =>
        all.reduce((n, counts) => n + of(counts), 0);
      return {
        ...stage,
        ...sharedFindings(all),
        in: sum((counts) => counts.in),
        out: sum((counts) => counts.out),
        skipped: sum((counts) => counts.skipped),
      };
    }),
    ...(range && { range }),
    skipped: parts.flatMap((part) => part.skipped).sort(order),
    warnings: parts.flatMap((part) => part.warnings).sort(order),
  };
}

type Found = Pick<Manifest['stages'][number], 'findings'>;

/** What all parts found alike; what holds of one part alone is left out. */
function sharedFindings(parts: readonly Found[]): Found {
  const [first, ...others] = parts.map(({ findings = {} }) => findings);
  const shared = Object.entries(first!).filter(([name, value]) =>
    others.every((findings) => JSON.stringify(findings[name]) === JSON.stringify(value)),
  );
  return shared.length ? { findings: Object.fromEntries(shared) } : {};
}
