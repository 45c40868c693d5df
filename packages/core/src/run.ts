// Runs a pipeline: wires the stages, carries events, and leaves a manifest whatever happens.

import { Subject, type Observable } from 'rxjs';
import { found, manifestOf, manifestUpTo, openBook, recipeOf, type Book } from './book.ts';
import { builtinModule } from './builtin-module.ts';
import { CancelledError, DeepEarthError } from './errors.ts';
import type { RunEvent, RunStatus, StageCounts } from './events.ts';
import { entriesIn, formerRuns, readBooks } from './former-run.ts';
import { openTaps, startGraph, type Taps } from './graph.ts';
import type { Item } from './items.ts';
import { jsonPieces } from './json-pieces.ts';
import type { Manifest } from './manifest.ts';
import { memoryStore } from './memory-store.ts';
import { runNotes } from './notes.ts';
import { refuseForeignManifest } from './not-ours.ts';
import { refuseOtherPipeline, takeOver } from './owner.ts';
import { patiently } from './patience.ts';
import type { Pipeline } from './pipeline.ts';
import { plan, refuseMemory, unread, unreadWarning } from './plan.ts';
import { pixelPool } from './pixel-pool.ts';
import type { Pulled } from './pull.ts';
import { behindTheEnd, clipRanges, stageRanges } from './ranges.ts';
import type { StageRegistry } from './registry.ts';
import { readLater } from './read-later.ts';
import { readManifest } from './read-manifest.ts';
import { runResources } from './resources.ts';
import { manifestName } from './safe-path.ts';
import { concealer } from './secrets.ts';
import type { ClipRange, FormerRun, Range, StageDefinition } from './stage.ts';
import type { RunServices, StageRun } from './stage-run.ts';
import { removeFiles, staleFiles } from './stale-files.ts';
import type { RunStore, StoreLock } from './store.ts';

/** How a pipeline is run. */
export interface RunOptions {
  /** Where the run writes; memory by default. */
  readonly store?: RunStore;
  /**
   * Ends the run: as cancelled, or as failed where the reason is a `DeepEarthError` of the program (what went wrong
   * outside of the stages).
   */
  readonly signal?: AbortSignal;
  /** Uses what earlier runs into the same store left, as far as its digests and lineage still match. */
  readonly resume?: boolean;
  /** Lets a run replace and remove the results of another pipeline that lie in the store. */
  readonly overwrite?: boolean;
  /**
   * Further stores whose runs are resumed from, or other places of what was made before; the first that has an item
   * first.
   */
  readonly former?: readonly (RunStore | FormerRun)[];
  /**
   * Works on a part of every sequence, under the numbers that the whole would have; `mergeRuns` puts parts together.
   */
  readonly range?: Range;
  /** Works on these clips alone, under the numbers that they have in the whole; in place of `range`. */
  readonly clips?: readonly ClipRange[];
  /** Sources beside those of the pipeline, for frames that are opened again from their locators. */
  readonly registry?: StageRegistry;
  /** A pipeline whose plan needs more memory is refused before it starts; what it computes does not depend on it. */
  readonly maxMemoryBytes?: number;
  /** Versions of packages and the platform, for the manifest. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** How a run ended. */
export interface RunEnd {
  readonly status: RunStatus;
  readonly store: RunStore;
}

/** What a run leaves. */
export interface RunResult {
  readonly manifest: Manifest;
  readonly store: RunStore;
}

/** A run under way. */
export interface Run {
  /**
   * Hot; subscribe in the same turn that called `run` to miss nothing. Completes after the last event and never errors.
   */
  readonly events$: Observable<RunEvent>;
  /**
   * What a stage sends, pushed: the run does not wait for the subscriber, so pixels of its last frames may be gone
   * before they are read (`items` waits). Subscribe in the same turn that called `run` to miss nothing. Errors when the
   * run fails, or at once for a stage that is not there.
   */
  items$(id: string): Observable<Item>;
  /**
   * What a stage sends, pulled: the run waits for the caller as for any other stage, so iterate it to its end or leave
   * the loop. Until then frames can be read, the last ones too. Call it in the same turn that called `run`.
   */
  items(id: string): Pulled<Item>;
  /**
   * What each stage has taken and given so far, and how long it worked, by its id; empty before the first has begun.
   */
  counts(): ReadonlyMap<string, StageCounts>;
  /**
   * Resolves when the run has come to its end (items may have been skipped); rejects when it failed or was cancelled.
   */
  readonly end: Promise<RunEnd>;
  /**
   * The same with the manifest, which is read from the store when this is first asked for: of many files it is large.
   */
  readonly result: Promise<RunResult>;
}

/** Starts a pipeline. The manifest is written to the store also when the run fails or is cancelled. */
export function run(pipeline: Pipeline, options: RunOptions = {}): Run {
  const events = new Subject<RunEvent>();
  const taps = openTaps(pipeline);
  let stages: ReadonlyMap<string, StageRun> = new Map();
  const end = Promise.resolve()
    .then(() => execute(pipeline, options, events, taps, (runs) => (stages = runs)))
    .finally(() => events.complete());
  // A caller that only watches the events is told there; taps of a run that never started end with its reason.
  end.then(undefined, (error: unknown) => taps.fail(error));
  let result: Promise<RunResult> | undefined;
  return {
    events$: events.asObservable(),
    items$: taps.items$,
    items: taps.items,
    counts: () => new Map([...stages].map(([id, stage]) => [id, stage.counts()])),
    end,
    get result() {
      return (result ??= end.then(async ({ store }) => ({ manifest: (await readManifest(store))!, store })));
    },
  };
}

async function execute(
  pipeline: Pipeline,
  options: RunOptions,
  events: Subject<RunEvent>,
  taps: Taps,
  wired: (runs: ReadonlyMap<string, StageRun>) => void,
): Promise<RunEnd> {
  const started = new Date();
  const stop = new AbortController();
  // Every stage and every edge listens; Node would call eleven a leak.
  builtinModule<{ setMaxListeners(most: number, target: AbortSignal): void }>('node:events')?.setMaxListeners(
    0,
    stop.signal,
  );
  const cancel = (): void =>
    stop.abort(isFailure(options.signal?.reason) ? options.signal?.reason : new CancelledError(options.signal?.reason));
  if (options.signal?.aborted)
    throw isFailure(options.signal.reason) ? options.signal.reason : new CancelledError(options.signal.reason);
  options.signal?.addEventListener('abort', cancel, { once: true });
  const { store = memoryStore(), resume = false, overwrite = false, range, clips, versions = {} } = options;
  const part = { ...(range && { range }), ...(clips && { clips }) };
  const conceal = concealer(pipeline.stages, pipeline.secrets);
  try {
    // Before anything is read; and again when no other run can write there any more.
    if (!overwrite) await refuseOtherPipeline(store, pipeline);
    const planned = await plan(pipeline, { signal: stop.signal });
    refuseMemory(planned, options.maxMemoryBytes ?? Infinity);
    const ranges = clips ? clipRanges(planned, clips) : stageRanges(planned, range);
    const lock = await lockOf(store, stop.signal);
    lock.lost?.addEventListener('abort', () => stop.abort(lock.lost!.reason), { once: true });
    const resources = runResources();
    const notes = runNotes(store, resume);
    let failure: unknown;
    let opened: Book | undefined;
    try {
      const { before, other } = await enter(store, pipeline, overwrite);
      const former = await formerRuns([
        ...(resume ? [{ store, entries: before }] : []),
        ...(options.former ?? []).map((each) => ('find' in each ? each : { store: each })),
      ]);
      const book = (opened = openBook(store, (event) => events.next(event), before, resume, conceal, former));
      events.next({
        type: 'run-started',
        output: store.name,
        stages: planned.stages.map(({ stage, description }) => ({
          id: stage.id,
          type: stage.definition.type,
          count: description.output.count,
        })),
      });
      if (other) events.next({ type: 'overwriting', pipeline: other.name, files: other.files, bytes: other.bytes });
      const warn = (stage: string, message: string): void => book.emit({ type: 'warning', stage, message });
      for (const { stage, description } of planned.stages)
        for (const message of description.warnings ?? []) warn(stage.id, message);
      for (const { id, message } of range && !clips ? behindTheEnd(planned, range) : []) warn(id, message);
      for (const id of unread(planned, taps.awaited)) warn(id, unreadWarning);
      const specs = new Map(planned.stages.map(({ stage, description }) => [stage.id, description.output]));
      const services: RunServices = {
        signal: stop.signal,
        store,
        book,
        notes,
        former,
        resources,
        pixels: pixelPool(),
        severalSequences: planned.sequences === null || planned.sequences.length > 1,
        ranges,
        readLater: readLater(planned.stages),
        named: new Set(planned.stages.flatMap(({ ownName }) => ownName ?? [])),
        reopener: reopenerOf(pipeline, options.registry),
        manifest: (stage) => manifestUpTo(stage, book, { pipeline, specs, versions, ...part }),
      };
      const graph = await startGraph(planned, services, stop, taps, wired);
      failure = graph.failure;
      // Items that a program pulls late may read from what stages keep.
      if (failure === undefined)
        await patiently(taps.pulled(), { signal: stop.signal, stalled: () => heldError(taps.pulling()) }).catch(
          (error: unknown) => (failure ??= error),
        );
      await patiently(resources.close(), {
        signal: stop.signal,
        stalled: () =>
          new DeepEarthError('closing what stages keep for their items waits for something that never comes.', {
            code: 'E_STALLED',
          }),
      }).catch((error: unknown) => (failure ??= error));
      const ids = pipeline.stages.map(({ id }) => id);
      // Books that cannot be read are no manifest either: what earlier runs left says what is there.
      const stale = await staleFiles(store, before, book.outputs(ids), book.inputs(ids)).catch((error: unknown) => {
        failure ??= error;
        return [];
      });
      const status: RunStatus =
        failure !== undefined
          ? options.signal?.aborted && !isFailure(options.signal.reason)
            ? 'cancelled'
            : 'failed'
          : book.skipped.length
            ? 'skipped'
            : 'done';
      conceal.error(failure);
      const message = failure === undefined ? undefined : failure instanceof Error ? failure.message : String(failure);
      const manifest = manifestOf(book, {
        started,
        // What earlier runs proved stays proven until it is replaced or removed.
        ...(failure !== undefined && { former: stale }),
        name: pipeline.name,
        status,
        ...(message ? { message } : {}),
        versions,
        pipeline: recipeOf(pipeline),
        stages: planned.stages.map(({ stage, description }, index) => ({
          id: stage.id,
          type: stage.definition.type,
          spec: description.output,
          ...graph.runs[index]!.counts(),
          ...found(book, stage.id),
        })),
        ...part,
      });
      // The journal says what is to go until it is gone, also when the run is killed here.
      if (failure === undefined && stale.length > 0)
        for (let at = 0; at < stale.length; at += linesAtOnce)
          await store.appendJournal(...stale.slice(at, at + linesAtOnce).map((entry) => JSON.stringify(entry)));
      let written = true;
      await store.put(manifestName, jsonPieces(manifest)).catch((error: unknown) => {
        written = false;
        if (failure === undefined) throw error;
      });
      if (failure === undefined) await removeFiles(store, stale, (event) => events.next(event));
      await book.close();
      await store.settle(!written || notes.kept());
      events.next({ type: 'run-finished', status, seconds: manifest.times.seconds, ...(message ? { message } : {}) });
      if (failure) throw failure;
      return { status, store };
    } finally {
      await resources.close().catch(() => undefined);
      await opened?.close().catch(() => undefined);
      await lock.release();
    }
  } catch (error) {
    throw conceal.error(error);
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
}

/** Makes a locked store that of a pipeline; returns what earlier runs had written, and whose it was if another's. */
async function enter(store: RunStore, pipeline: Pipeline, overwrite: boolean) {
  const books = await readBooks(store);
  await refuseForeignManifest(store, books);
  return { before: entriesIn(books), other: await takeOver(store, pipeline, books, overwrite) };
}

/** Lines of the journal that are written together: a call takes no more arguments than the stack has room for. */
const linesAtOnce = 10_000;

/** The process has nothing left to do, and a program has not read the items that it asked for to their end. */
const heldError = (stages: readonly string[]): DeepEarthError =>
  new DeepEarthError(
    `the run waits for the program, which has not come to the end of the items of ${stages.join(', ')}.`,
    { code: 'E_STALLED', remedy: 'Iterate them to their end, or leave the loop.' },
  );

/** Whether an abort is for a failure: anything else cancels. */
const isFailure = (reason: unknown): reason is DeepEarthError =>
  reason instanceof DeepEarthError && !(reason instanceof CancelledError);

/** Takes the lock, unless the run is stopped before it has it: another's lock may be watched for a while. */
async function lockOf(store: RunStore, signal: AbortSignal): Promise<StoreLock> {
  const locking = store.lock();
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
  try {
    return await Promise.race([locking, stopped]);
  } catch (error) {
    locking.then((lock) => lock.release()).catch(() => undefined);
    throw error;
  }
}

/** Finds sources by type: those of the pipeline first. */
function reopenerOf(pipeline: Pipeline, registry: StageRegistry | undefined): RunServices['reopener'] {
  const own = new Map(
    pipeline.stages.map(({ definition }): [string, StageDefinition] => [definition.type, definition]),
  );
  return async (type) => own.get(type) ?? (registry?.has(type) ? await registry.load(type) : undefined);
}
