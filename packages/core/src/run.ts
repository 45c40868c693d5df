// Runs a pipeline: wires the stages, carries events, and leaves a manifest whatever happens.

import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { merge, Observable, share, Subject, tap } from 'rxjs';
import { CancelledError } from './errors.ts';
import type { RunEvent, RunStatus } from './events.ts';
import { noFormerRun, readFormerRun, type FormerFiles } from './former-run.ts';
import type { Item } from './items.ts';
import type { Manifest, SkippedItem } from './manifest.ts';
import { openRunFolder, sha256OfFile, type JournalEntry, type RunFolder } from './output-folder.ts';
import type { Pipeline } from './pipeline.ts';
import { edgeBound, plan, type Plan } from './plan.ts';
import { pull, push, type Delivery, type Pulled } from './pull.ts';
import type { InputFile } from './stage.ts';
import { stageRun, type RunServices, type StageRun } from './stage-run.ts';
import { coreVersion } from './version.ts';

export interface RunOptions {
  /** The folder for everything the run writes; made when missing. */
  readonly output: string;
  readonly signal?: AbortSignal;
  /** Uses what an earlier run into the same folder left, as far as its digests and lineage still match. */
  readonly resume?: boolean;
  /** Versions of further packages, for the manifest. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly manifest: Manifest;
  /** Absolute. */
  readonly output: string;
}

export interface Run {
  /**
   * Hot; subscribe in the same turn that called `run` to miss nothing. Completes after the last event and never errors.
   */
  readonly events$: Observable<RunEvent>;
  /**
   * The manifest of a run that came to its end (items may have been skipped); rejects when the run failed or was
   * cancelled.
   */
  readonly result: Promise<RunResult>;
}

/** Starts a pipeline. The manifest is written to the output folder also when the run fails or is cancelled. */
export function run(pipeline: Pipeline, options: RunOptions): Run {
  const events = new Subject<RunEvent>();
  const result = Promise.resolve()
    .then(() => execute(pipeline, options, events))
    .finally(() => events.complete());
  result.catch(() => undefined); // a caller that only watches the events is told there
  return { events$: events.asObservable(), result };
}

async function execute(pipeline: Pipeline, options: RunOptions, events: Subject<RunEvent>): Promise<RunResult> {
  const started = new Date();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every stage and every edge listens; Node would call eleven a leak
  const cancel = (): void => stop.abort(new CancelledError(options.signal?.reason));
  if (options.signal?.aborted) throw new CancelledError(options.signal.reason);
  options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const planned = await plan(pipeline, { signal: stop.signal });
    const former = await readFormerRun(options.output);
    const folder = await openRunFolder(options.output, options.resume ?? false);
    const book = keepBook(events, former);
    events.next({
      type: 'run-started',
      output: folder.folder,
      stages: planned.stages.map(({ stage, description }) => ({
        id: stage.id,
        type: stage.definition.type,
        count: description.output.count,
      })),
    });
    const services: RunServices = {
      signal: stop.signal,
      folder: book.watch(folder),
      former: options.resume ? former : noFormerRun,
      emit: book.emit,
      recordInput: book.recordInput,
    };
    const { runs, failure } = await drive(planned, services, stop);
    const status: RunStatus =
      failure !== undefined
        ? options.signal?.aborted
          ? 'cancelled'
          : 'failed'
        : book.skipped.length
          ? 'skipped'
          : 'done';
    const finished = new Date();
    const message = failure === undefined ? undefined : failure instanceof Error ? failure.message : String(failure);
    const manifest: Manifest = {
      format: 1,
      name: pipeline.name,
      status,
      ...(message ? { message } : {}),
      startedAt: started.toISOString(),
      finishedAt: finished.toISOString(),
      seconds: (finished.getTime() - started.getTime()) / 1000,
      versions: {
        '@deepearth/core': coreVersion,
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
        ...options.versions,
      },
      pipeline: pipeline.stages.map(({ id, definition, from, options: given, onError }) => ({
        id,
        type: definition.type,
        from,
        with: given,
        onError,
      })),
      inputs: [...book.inputs.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
      outputs: [...book.outputs].sort((a, b) => (a.path < b.path ? -1 : 1)),
      stages: planned.stages.map(({ stage }, index) => ({
        id: stage.id,
        type: stage.definition.type,
        ...runs[index]!.counts(),
      })),
      skipped: book.skipped,
      warnings: book.warnings,
    };
    await folder.writeManifest(manifest).catch((error: unknown) => {
      if (!failure) throw error;
    });
    if (!failure) await removeStale(folder.folder, former, book.outputs);
    await folder.release(Boolean(failure));
    events.next({ type: 'run-finished', status, seconds: manifest.seconds, ...(message ? { message } : {}) });
    if (failure) throw failure;
    return { manifest, output: folder.folder };
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
}

/** Wires all stages, waits for the last to close, and returns the first failure. */
async function drive(
  planned: Plan,
  services: RunServices,
  stop: AbortController,
): Promise<{ runs: StageRun[]; failure: unknown }> {
  const outputs = new Map<string, Observable<Delivery<Item>>>();
  const runs: StageRun[] = [];
  const leaves: Observable<Delivery<Item>>[] = [];
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    if (!stop.signal.aborted) stop.abort(error);
  };
  for (const { stage, survey, consumers } of planned.stages) {
    const sources = stage.from.map((id) => ({
      id,
      spec: planned.stages.find((other) => other.stage.id === id)!.description.output,
      items$: outputs.get(id)!,
    }));
    // Subscribing starts the stages before; they deliver in a later turn, when every edge is in place.
    const separate = stage.definition.joins === 'separate';
    const edge = (items$: Observable<Delivery<Item>>): Pulled<Item> => pull(items$, edgeBound, services.signal);
    const edges = separate
      ? sources.map(({ items$ }) => edge(items$))
      : [edge(merge(...sources.map(({ items$ }) => items$)))];
    const merged = separate ? nothing : edges[0]!;
    const inputs = sources.map(({ id, spec }, index) => ({ id, spec, items: edges[index] ?? merged }));
    const running = stageRun(stage, survey, merged, inputs, services);
    runs.push(running);
    // A stage that ends early lets go of its inputs, so that the stages before it can end too.
    void running.closed.then(() => edges.forEach((left) => void left.return()));
    const output$ = push(running.items).pipe(tap({ error: fail }), share());
    outputs.set(stage.id, output$);
    if (consumers.length === 0) leaves.push(output$);
  }
  await new Promise<void>((resolve) => {
    merge(...leaves).subscribe({ error: () => resolve(), complete: resolve });
  });
  await Promise.all(runs.map(({ closed }) => closed));
  if (failure === undefined && stop.signal.aborted) failure = stop.signal.reason;
  return { runs, failure };
}

const nothing: AsyncIterable<Item> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

function keepBook(events: Subject<RunEvent>, former: FormerFiles) {
  const inputs = new Map<string, InputFile>();
  const outputs: JournalEntry[] = [];
  const skipped: SkippedItem[] = [];
  const warnings: { stage: string; message: string }[] = [];
  return {
    inputs,
    outputs,
    skipped,
    warnings,
    former,
    emit(event: RunEvent): void {
      if (event.type === 'skipped') skipped.push({ stage: event.stage, item: event.item, message: event.message });
      if (event.type === 'warning') warnings.push({ stage: event.stage, message: event.message });
      events.next(event);
    },
    recordInput: (file: InputFile): void => void inputs.set(file.path, file),
    /** The same folder, its artifacts noted for the manifest. */
    watch: (folder: RunFolder): RunFolder => ({
      ...folder,
      async write(stage, file, content) {
        const artifact = await folder.write(stage, file, content);
        const { path, bytes, sha256, mediaType, key, holds } = artifact;
        outputs.push(
          holds === undefined
            ? { path, bytes, sha256, mediaType, key, stage }
            : { path, bytes, sha256, mediaType, key, stage, holds },
        );
        return artifact;
      },
    }),
  };
}

/** Removes what an earlier run into the folder wrote and this one did not, as long as nobody has changed it since. */
async function removeStale(folder: string, former: FormerFiles, outputs: readonly JournalEntry[]): Promise<void> {
  const current = new Set(outputs.map(({ path }) => path));
  for (const entry of former.entries.values()) {
    if (current.has(entry.path)) continue;
    const path = join(folder, entry.path);
    const digest = await sha256OfFile(path).catch(() => undefined);
    if (digest === entry.sha256) await rm(path, { force: true });
  }
}
