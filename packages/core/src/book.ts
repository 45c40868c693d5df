// Keeps the books of a run: what it read, wrote and skipped, and the manifest that says so.

import { byPath } from './by-path.ts';
import type { ItemCounts, RunEvent, RunStatus, StageCounts } from './events.ts';
import { frameTables, type FrameTable } from './frame-tables.ts';
import type { Artifact, Item, Json } from './items.ts';
import { lineage } from './lineage.ts';
import { DeepEarthError, InputError } from './errors.ts';
import type { Manifest, ManifestOutput, ManifestSoFar, SkippedItem } from './manifest.ts';
import type { Pipeline } from './pipeline.ts';
import { assertSafePath } from './safe-path.ts';
import type { ArtifactFile, ArtifactWriter, InputFile, StageOutput } from './stage.ts';
import type { StreamSpec } from './specs.ts';
import type { RunStore, Stored, StoreWriter } from './store.ts';

/** The books of one run. */
export interface Book {
  /** What each stage read, by path. */
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, InputFile>>;
  readonly outputs: readonly ManifestOutput[];
  readonly skipped: readonly SkippedItem[];
  readonly warnings: Manifest['warnings'];
  emit(event: RunEvent): void;
  recordInput(file: InputFile, stage: string): void;
  /** Takes down what a source sent. */
  recordSent(stage: string, item: Item): void;
  /** The frames that sources sent. */
  frames(): readonly FrameTable[];
  /** Items of a stage that has ended. */
  countsOf(stage: string): ItemCounts | undefined;
  recordFinding(stage: string, name: string, value: Json): void;
  /** What a stage found out, by name; `undefined` where it said nothing. */
  findingsOf(stage: string): Readonly<Record<string, Json>> | undefined;
  /** Where one stage writes; every file is checked, recorded in the journal and told as an event. */
  outputOf(stage: string): StageOutput;
}

/**
 * Opens the books; files go to `store`, events to `tell`. `before` is what earlier runs wrote there, which alone may be
 * replaced; without it, anything may.
 */
export function openBook(
  store: RunStore,
  tell: (event: RunEvent) => void,
  before?: ReadonlyMap<string, ManifestOutput>,
): Book {
  const inputs = new Map<string, Map<string, InputFile>>();
  const frames = frameTables();
  const counts = new Map<string, ItemCounts>();
  const outputs: ManifestOutput[] = [];
  const skipped: SkippedItem[] = [];
  const warnings: { stage: string; message: string }[] = [];
  const taken = new Set<string>();
  const findings = new Map<string, Record<string, Json>>();

  const emit = (event: RunEvent): void => {
    if (event.type === 'skipped') skipped.push({ stage: event.stage, item: event.item, message: event.message });
    if (event.type === 'stage-closed')
      counts.set(event.stage, { in: event.in, out: event.out, skipped: event.skipped });
    if (event.type === 'warning') warnings.push({ stage: event.stage, message: event.message });
    tell(event);
  };

  const claim = async (path: string): Promise<void> => {
    assertSafePath(path);
    const name = path.toLowerCase();
    if (taken.has(name)) {
      throw new DeepEarthError(`two files of this run are called ${path}.`, {
        code: 'E_NAME_TAKEN',
        remedy: 'Give one of the stages that write it another name: sinks have `directory`, renderers `layer`.',
      });
    }
    taken.add(name);
    if (before && !before.has(path) && (await store.has(path)))
      throw new InputError(`${store.name}/${path}`, 'is there already, and no run has written it.', {
        code: 'E_NOT_OURS',
        remedy: 'Move it away, or choose another output folder.',
      });
  };

  const entryOf = (stage: string, file: ArtifactFile, { bytes, sha256 }: Stored): ManifestOutput => {
    const { path, mediaType, holds, about } = file;
    const key = lineage('artifact', file.key, sha256);
    return {
      path,
      bytes,
      sha256,
      mediaType,
      key,
      stage,
      ...(holds !== undefined && { holds }),
      ...(about && { about }),
    };
  };

  /** Names a file that is written. The journal knows it before it is seen: a run that is killed knows its own files. */
  const commit = async (stage: string, file: ArtifactFile, writing: StoreWriter): Promise<Artifact> => {
    const stored = await writing.commit(
      (safe) => store.appendJournal(JSON.stringify(entryOf(stage, file, safe))),
      file.path,
    );
    const entry = entryOf(stage, file, stored);
    outputs.push(entry);
    emit({ type: 'artifact', stage, path: entry.path, bytes: entry.bytes, sha256: entry.sha256 });
    const { stage: _, ...rest } = entry;
    return { kind: 'artifact', id: entry.path, ...rest };
  };

  return {
    inputs,
    outputs,
    skipped,
    warnings,
    emit,
    recordInput(file, stage) {
      const files = inputs.get(stage) ?? new Map<string, InputFile>();
      inputs.set(stage, files.set(file.path, file));
    },
    recordSent: frames.see,
    frames: frames.tables,
    countsOf: (stage) => counts.get(stage),
    recordFinding: (stage, name, value) => void findings.set(stage, { ...findings.get(stage), [name]: value }),
    findingsOf: (stage) => findings.get(stage),
    outputOf: (stage) => ({
      async write(file, content) {
        await claim(file.path);
        const writing = await store.writer(file.path);
        try {
          if (content instanceof Uint8Array) await writing.append(content);
          else for await (const piece of content) await writing.append(piece);
          return await commit(stage, file, writing);
        } finally {
          await writing.discard();
        }
      },
      async writer({ path, mediaType }): Promise<ArtifactWriter> {
        if (path !== undefined) await claim(path);
        const writing = await store.writer(path ?? 'unnamed');
        return {
          append: (bytes) => writing.append(bytes),
          async commit({ path: as = path, ...file }) {
            if (as === undefined) throw new TypeError(`${stage} ends a file that has no path`);
            if (as !== path) await claim(as);
            return commit(stage, { ...file, path: as, mediaType }, writing);
          },
          discard: () => writing.discard(),
        };
      },
      async read(path) {
        assertSafePath(path);
        const file = await store.get(path);
        if (!file)
          throw new InputError(path, 'is not there.', {
            code: 'E_NO_FILE',
            remedy: 'Let nothing else write into the output folder, and run again.',
          });
        return file;
      },
    }),
  };
}

/** Puts a manifest together, its lists in an order that does not depend on timing. */
export function manifestOf(
  book: Book,
  run: Omit<Manifest, 'format' | 'inputs' | 'frames' | 'outputs' | 'skipped' | 'warnings' | 'times' | 'stages'> & {
    readonly started: Date;
    readonly status: RunStatus;
    readonly stages: readonly (Omit<Manifest['stages'][number], keyof StageCounts> & StageCounts)[];
  },
): Manifest {
  const { started, name, status, message, versions, pipeline, range, former } = run;
  const finished = new Date();
  const stages = pipeline.map(({ id }) => id);
  return {
    format: 2,
    name,
    status,
    ...(message ? { message } : {}),
    times: {
      startedAt: started.toISOString(),
      finishedAt: finished.toISOString(),
      seconds: (finished.getTime() - started.getTime()) / 1000,
      busySeconds: Object.fromEntries(run.stages.map(({ id, busySeconds }) => [id, busySeconds])),
    },
    versions,
    pipeline,
    ...readAndWritten(book, stages),
    ...(former?.length && { former: [...former].sort(byPath) }),
    stages: run.stages.map(({ busySeconds: _, ...stage }) => stage),
    ...(range && { range }),
    ...skippedAndSaid(book, stages),
  };
}

/** What is known of a run when the inputs of one of its stages have ended. */
export function manifestUpTo(
  stage: string,
  book: Book,
  {
    pipeline,
    specs,
    versions,
    range,
  }: Pick<Manifest, 'versions' | 'range'> & {
    readonly pipeline: Pipeline;
    /** What each stage sends, by its id. */
    readonly specs: ReadonlyMap<string, StreamSpec>;
  },
): ManifestSoFar {
  const leading = new Set<string>();
  for (const { id, from } of [...pipeline.stages].reverse())
    if (id === stage || leading.has(id)) for (const source of from) leading.add(source);
  const stages = pipeline.stages.filter(({ id }) => leading.has(id));
  const ids = stages.map(({ id }) => id);
  return {
    format: 2,
    name: pipeline.name,
    status: 'unfinished',
    message: `Written by ${stage} while the run went on: it tells of the stages that lead there, and leaves out times.`,
    versions,
    pipeline: recipeOf(pipeline),
    ...readAndWritten(book, ids),
    stages: stages.map(({ id, definition: { type } }) => ({
      id,
      type,
      spec: specs.get(id)!,
      ...(book.countsOf(id) ?? { in: 0, out: 0, skipped: 0 }),
      ...found(book, id),
    })),
    ...(range && { range }),
    ...skippedAndSaid(book, ids),
  };
}

/** A pipeline with every default filled in, as a manifest has it. */
export const recipeOf = ({ stages }: Pipeline): Manifest['pipeline'] =>
  stages.map(({ id, definition: { type }, from, options, onError }) => ({ id, type, from, with: options, onError }));

/** What a stage found out, where it did. */
export function found(book: Book, stage: string): Pick<Manifest['stages'][number], 'findings'> {
  const findings = book.findingsOf(stage);
  return findings ? { findings } : {};
}

function readAndWritten(book: Book, stages: readonly string[]): Pick<Manifest, 'inputs' | 'frames' | 'outputs'> {
  const files = new Map(stages.flatMap((id) => [...(book.inputs.get(id) ?? [])]));
  const rank = new Map(stages.map((id, index) => [id, index]));
  const frames = book
    .frames()
    .filter(({ stage }) => rank.has(stage))
    .sort((a, b) => rank.get(a.stage)! - rank.get(b.stage)!);
  return {
    inputs: [...files.values()].sort(byPath),
    ...(frames.length && { frames }),
    outputs: book.outputs.filter(({ stage }) => rank.has(stage)).sort(byPath),
  };
}

function skippedAndSaid(book: Book, stages: readonly string[]): Pick<Manifest, 'skipped' | 'warnings'> {
  const order = inOrderOf(stages);
  const said = <T extends { readonly stage: string }>(lines: readonly T[]): T[] =>
    lines.filter(({ stage }) => stages.includes(stage)).sort(order);
  return { skipped: said(book.skipped), warnings: said(book.warnings) };
}

/** Compares what stages said: by stage, then item, then message. */
export function inOrderOf(
  stages: readonly string[],
): (a: Partial<SkippedItem> & { stage: string }, b: Partial<SkippedItem> & { stage: string }) => number {
  const rank = new Map(stages.map((id, index) => [id, index]));
  const compare = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) =>
    (rank.get(a.stage) ?? 0) - (rank.get(b.stage) ?? 0) || compare(a.item, b.item) || compare(a.message, b.message);
}
