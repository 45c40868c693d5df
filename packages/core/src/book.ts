// Keeps the books of a run: what it read, wrote and skipped, and the manifest that says so.

import { byPath } from './by-path.ts';
import type { ItemCounts, RunEvent, RunStatus, StageCounts } from './events.ts';
import { frameTables, type UnwrittenFrameTable } from './frame-tables.ts';
import type { Artifact, Item, Json } from './items.ts';
import { openProven } from './former-run.ts';
import { canonicalJson, lineage } from './lineage.ts';
import { DeepEarthError, InputError } from './errors.ts';
import type { Manifest, ManifestOutput, ManifestSoFar, SkippedItem, UnwrittenManifest } from './manifest.ts';
import { nameSet } from './name-set.ts';
import type { Pipeline } from './pipeline.ts';
import { refuseNotOurs } from './not-ours.ts';
import { assertSafePath, foldedPath } from './safe-path.ts';
import { sameAgain } from './same-again.ts';
import { concealer, type Concealer } from './secrets.ts';
import { sortedSpool, type SortedSpool } from './sorted-spool.ts';
import { sha256Aside } from './sha256.ts';
import type { ArtifactFile, ArtifactWriter, Content, FormerRun, InputFile, StageOutput } from './stage.ts';
import type { StreamSpec } from './specs.ts';
import type { RunStore, Stored, StoreWriter } from './store.ts';

/** The books of one run. */
export interface Book {
  /** The files that the given stages read, in the order of their paths; what the last of them said of a path counts. */
  inputs(stages: readonly string[]): AsyncGenerator<InputFile>;
  /** The files that the given stages wrote, in the order of their paths. */
  outputs(stages: readonly string[]): AsyncGenerator<ManifestOutput>;
  readonly skipped: readonly SkippedItem[];
  readonly warnings: Manifest['warnings'];
  emit(event: RunEvent): void;
  recordInput(file: InputFile, stage: string): void;
  /** Takes down what a source sent. */
  recordSent(stage: string, item: Item): void;
  /** Resolves when what was recorded needs no more memory than it should. */
  settled(): Promise<void>;
  /** The frames that sources sent. */
  frames(): readonly UnwrittenFrameTable[];
  /** Items of a stage that has ended. */
  countsOf(stage: string): ItemCounts | undefined;
  recordFinding(stage: string, name: string, value: Json): void;
  /** What a stage found out, by name; `undefined` where it said nothing. */
  findingsOf(stage: string): Readonly<Record<string, Json>> | undefined;
  /** Where one stage writes; every file is checked, recorded in the journal and told as an event. */
  outputOf(stage: string): StageOutput;
  /** Lets go of the disk that the books take. */
  close(): Promise<void>;
}

/**
 * Opens the books; files go to `store`, events to `tell`. `before` is what earlier runs wrote there, which alone may be
 * replaced; without it, anything may. `resume` lets stages take over what is there. A file that `former` knows is given
 * a second name in place of being written again.
 */
export function openBook(
  store: RunStore,
  tell: (event: RunEvent) => void,
  before?: ReadonlyMap<string, ManifestOutput>,
  resume = false,
  conceal: Pick<Concealer, 'text' | 'address' | 'value'> = concealer([]),
  former?: Pick<FormerRun, 'lies'>,
): Book {
  const scratches: { close(): Promise<void> }[] = [];
  const spool = (name: string): SortedSpool =>
    sortedSpool(async () => {
      const scratch = await store.scratch(`.books/${name}`);
      scratches.push(scratch);
      return scratch;
    });
  const inputs = spool('inputs');
  let settled: Promise<unknown> = Promise.resolve();
  const frames = frameTables(conceal.address);
  const counts = new Map<string, ItemCounts>();
  const outputs = spool('outputs');
  const skipped: SkippedItem[] = [];
  const warnings: { stage: string; message: string }[] = [];
  const warned = nameSet();
  // What is mistaken for another is refused, and nothing is lost: half the memory counts for more.
  const taken = nameSet(2);
  const folders = nameSet();
  /** Some of them, which the next file mostly lies in too. */
  const knownFolders = new Set<string>();
  const findings = new Map<string, Record<string, Json>>();

  const emit = (said: RunEvent): void => {
    const event = 'message' in said && said.message ? { ...said, message: conceal.text(said.message) } : said;
    if (event.type === 'skipped') skipped.push({ stage: event.stage, item: event.item, message: event.message });
    if (event.type === 'stage-closed')
      counts.set(event.stage, { in: event.in, out: event.out, skipped: event.skipped });
    if (event.type === 'warning') {
      // What a stage says of its input in the plan it says again when it runs, since it may run without one.
      if (!warned.add(JSON.stringify([event.stage, event.message]))) return;
      warnings.push({ stage: event.stage, message: event.message });
    }
    tell(event);
  };

  const claim = async (path: string): Promise<void> => {
    assertSafePath(path);
    const name = foldedPath(path);
    const above = foldersOf(name).filter((folder) => !knownFolders.has(folder));
    const refuse = (what: string): DeepEarthError =>
      new DeepEarthError(what, {
        code: 'E_NAME_TAKEN',
        remedy: 'Give one of the stages that write it another name: sinks have `directory`, renderers `layer`.',
      });
    if (folders.has(name) || above.some((folder) => taken.has(folder)))
      throw refuse(`${path} and another file of this run need one name for a file and for a folder.`);
    if (!taken.add(name)) throw refuse(`two files of this run are called ${path}.`);
    if (knownFolders.size > mostKnownFolders) knownFolders.clear();
    for (const folder of above) {
      folders.add(folder);
      knownFolders.add(folder);
    }
    if (before) await refuseNotOurs(store, path, before);
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

  /** Where a file is written, which a run that resumes may have left there already. */
  const writerOf = async (path = 'unnamed'): Promise<StoreWriter> => {
    const former = resume ? before?.get(path) : undefined;
    return former ? sameAgain(store, path, former) : store.writer(path);
  };

  /** Names a file that is written. The journal knows it before it is seen: a run that is killed knows its own files. */
  const commit = async (stage: string, file: ArtifactFile, writing: StoreWriter): Promise<Artifact> => {
    const stored = await writing.commit(
      (safe) => store.appendJournal(JSON.stringify(entryOf(stage, file, safe))),
      file.path,
    );
    const entry = entryOf(stage, file, stored);
    return enter(entry);
  };

  const write = async (stage: string, file: ArtifactFile, content: Content): Promise<Artifact> => {
    const writing = await writerOf(file.path);
    try {
      if (content instanceof Uint8Array) await writing.append(content);
      else for await (const piece of content) await writing.append(piece);
      return await commit(stage, file, writing);
    } finally {
      await writing.discard();
    }
  };

  /** Gives a file of an earlier run that holds the same bytes a name here; `undefined` where there is none. */
  const linked = async (stage: string, file: ArtifactFile, content: Uint8Array): Promise<Artifact | undefined> => {
    const { path, holds } = file;
    if (!store.link || typeof holds !== 'string' || before?.has(path)) return undefined;
    const found = former?.lies?.(holds);
    if (found?.bytes !== content.byteLength || (await sha256Aside(content)) !== found.sha256) return undefined;
    const entry = entryOf(stage, file, found);
    return (await store.link(found.path, path, () => store.appendJournal(JSON.stringify(entry))))
      ? enter(entry)
      : undefined;
  };

  const enter = async (entry: ManifestOutput): Promise<Artifact> => {
    const { stage, ...rest } = entry;
    await outputs.add(entry.path, JSON.stringify(entry));
    emit({ type: 'artifact', stage, path: entry.path, bytes: entry.bytes, sha256: entry.sha256 });
    return { kind: 'artifact', id: entry.path, ...rest };
  };

  /** Whether a file is what was written there. */
  const proven = async (entry: ManifestOutput): Promise<boolean> => {
    const file = await openProven(store, entry);
    await file?.close();
    return file !== undefined;
  };

  return {
    async *inputs(stages) {
      const rank = new Map(stages.map((id, index) => [id, index]));
      let latest: { readonly stage: string; readonly file: InputFile } | undefined;
      for await (const { line } of inputs.inOrder()) {
        const next = JSON.parse(line) as NonNullable<typeof latest>;
        if (!rank.has(next.stage)) continue;
        if (latest && latest.file.path !== next.file.path) yield latest.file;
        else if (latest && rank.get(latest.stage)! > rank.get(next.stage)!) continue;
        latest = next;
      }
      if (latest) yield latest.file;
    },
    async *outputs(stages) {
      const wanted = new Set(stages);
      for await (const { line } of outputs.inOrder()) {
        const entry = JSON.parse(line) as ManifestOutput;
        if (wanted.has(entry.stage)) yield entry;
      }
    },
    skipped,
    warnings,
    emit,
    recordInput(file, stage) {
      const path = conceal.address(file.path);
      settled = inputs.add(path, JSON.stringify({ stage, file: path === file.path ? file : { ...file, path } }));
    },
    settled: async () => void (await settled),
    recordSent: frames.see,
    frames: frames.tables,
    countsOf: (stage) => counts.get(stage),
    recordFinding: (stage, name, value) =>
      void findings.set(stage, { ...findings.get(stage), [name]: conceal.value(value) }),
    findingsOf: (stage) => findings.get(stage),
    outputOf: (stage) => ({
      async write(file, content) {
        await claim(file.path);
        const there = content instanceof Uint8Array ? await linked(stage, file, content) : undefined;
        return there ?? write(stage, file, content);
      },
      async writer({ path, mediaType }): Promise<ArtifactWriter> {
        if (path !== undefined) await claim(path);
        const writing = await writerOf(path);
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
      async kept(file) {
        const former = resume ? before?.get(file.path) : undefined;
        if (!former) return undefined;
        const entry = entryOf(stage, file, former);
        if (canonicalJson(entry) !== canonicalJson(former) || !(await proven(former))) return undefined;
        await claim(file.path);
        return await enter(entry);
      },
      async link(file, { path: own, bytes, sha256 }, content) {
        assertSafePath(own);
        await claim(file.path);
        const entry = entryOf(stage, file, { bytes, sha256 });
        const record = (): Promise<void> => store.appendJournal(JSON.stringify(entry));
        return (await store.linkOwn?.(own, file.path, record)) ? enter(entry) : write(stage, file, content);
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
    close: async () => void (await Promise.all(scratches.map((scratch) => scratch.close()))),
  };
}

/** Folders that are known by their names, not only by digests. */
const mostKnownFolders = 256;

/** The folders that a path lies in: `a`, `a/b` for `a/b/c`. */
const foldersOf = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join('/'));

/** Puts a manifest together, its lists in an order that does not depend on timing. */
export function manifestOf(
  book: Book,
  run: Omit<Manifest, 'format' | 'inputs' | 'frames' | 'outputs' | 'skipped' | 'warnings' | 'times' | 'stages'> & {
    readonly started: Date;
    readonly status: RunStatus;
    readonly stages: readonly (Omit<Manifest['stages'][number], keyof StageCounts> & StageCounts)[];
  },
): UnwrittenManifest {
  const { started, name, status, message, versions, pipeline, range, clips, former } = run;
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
    stages: run.stages.map(({ busySeconds: _, devices: __, ...stage }) => stage),
    ...(range && { range }),
    ...(clips && { clips }),
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
    clips,
  }: Pick<Manifest, 'versions' | 'range' | 'clips'> & {
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
    ...(clips && { clips }),
    ...skippedAndSaid(book, ids),
  };
}

/** A pipeline with every default filled in and without its secrets, as a manifest has it. */
export function recipeOf({ stages, secrets }: Pipeline): Manifest['pipeline'] {
  const conceal = concealer(stages, secrets);
  return stages.map((stage) => {
    const { id, definition, from, onError } = stage;
    return { id, type: definition.type, from, with: conceal.options(stage), onError };
  });
}

/** What a stage found out, where it did. */
export function found(book: Book, stage: string): Pick<Manifest['stages'][number], 'findings'> {
  const findings = book.findingsOf(stage);
  return findings ? { findings } : {};
}

function readAndWritten(
  book: Book,
  stages: readonly string[],
): Pick<UnwrittenManifest, 'inputs' | 'frames' | 'outputs'> {
  const rank = new Map(stages.map((id, index) => [id, index]));
  const frames = book
    .frames()
    .filter(({ stage }) => rank.has(stage))
    .sort((a, b) => rank.get(a.stage)! - rank.get(b.stage)!);
  return {
    inputs: { [Symbol.asyncIterator]: () => book.inputs(stages) },
    ...(frames.length && { frames }),
    outputs: { [Symbol.asyncIterator]: () => book.outputs(stages) },
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
