// Wires the stages of a plan to a graph of observables, and lets programs tap what a stage sends.

import { map, merge, Observable, tap, type Subscription } from 'rxjs';
import { inputsThatWait } from './apart.ts';
import { DeepEarthError, StageError } from './errors.ts';
import type { Item } from './items.ts';
import type { Pipeline, PipelineStage } from './pipeline.ts';
import { patiently } from './patience.ts';
import { edgeBound, type Plan } from './plan.ts';
import { pull, push, type Delivery, type Pulled } from './pull.ts';
import { stageRun, type RunServices, type StageRun } from './stage-run.ts';
import { tellUtilisation } from './utilisation.ts';

type Edge = Observable<Delivery<Item>>;

/** How a program listens to the stages of a run, before and while it goes. */
export interface Taps {
  items$(id: string): Observable<Item>;
  items(id: string): Pulled<Item>;
  /** Connects a stage: who waits for it subscribes now. */
  connect(id: string, edge: Edge): void;
  /** Whether somebody waits for a stage. */
  awaited(id: string): boolean;
  /** Resolves when every program that pulls has come to the end of its items, or has left. */
  pulled(): Promise<void>;
  /** Stages from which a program still pulls. */
  pulling(): readonly string[];
  /** Ends those who wait for a stage that will never come. */
  fail(error: unknown): void;
}

/** Opens taps for the stages of a pipeline. */
export function openTaps(pipeline: Pipeline): Taps {
  const edges = new Map<string, Edge>();
  const waiting = new Map<string, Set<{ connect(edge: Edge): void; fail(error: unknown): void }>>();
  const pulls = new Set<{ readonly id: string; readonly ended: Promise<void> }>();
  let failure: { readonly error: unknown } | undefined;

  /** The edge behind a stage, as soon as there is one: subscribing before it is there loses nothing. */
  const deliveries = (id: string): Edge =>
    new Observable((subscriber) => {
      const known = edges.get(id);
      if (known) return known.subscribe(subscriber);
      if (failure) return subscriber.error(failure.error);
      if (!pipeline.stages.some((stage) => stage.id === id)) {
        const ids = pipeline.stages.map((stage) => stage.id).join(', ');
        return subscriber.error(
          new DeepEarthError(`there is no stage ${JSON.stringify(id)}. The stages are ${ids}.`, { code: 'E_NO_STAGE' }),
        );
      }
      let connected: Subscription | undefined;
      const entry = {
        connect: (edge: Edge) => void (connected = edge.subscribe(subscriber)),
        fail: (error: unknown) => subscriber.error(error),
      };
      const queue = waiting.get(id) ?? new Set();
      waiting.set(id, queue.add(entry));
      return () => {
        queue.delete(entry);
        connected?.unsubscribe();
      };
    });

  return {
    items$: (id) => deliveries(id).pipe(map(taken)),
    items(id) {
      let end = (): void => undefined;
      const entry = { id, ended: new Promise<void>((resolve) => (end = resolve)) };
      pulls.add(entry);
      return toldOfEnd(pull(deliveries(id), edgeBound), () => {
        pulls.delete(entry);
        end();
      });
    },
    async pulled() {
      await Promise.all(Array.from(pulls, ({ ended }) => ended));
    },
    pulling: () => [...new Set(Array.from(pulls, ({ id }) => id))],
    awaited: (id) => (waiting.get(id)?.size ?? 0) > 0,
    connect(id, edge) {
      edges.set(id, edge);
      for (const { connect } of waiting.get(id) ?? []) connect(edge);
      waiting.delete(id);
    },
    fail(error) {
      failure = { error };
      for (const queue of waiting.values()) for (const entry of queue) entry.fail(error);
      waiting.clear();
    },
  };
}

/** The same iterator; `ended` is called when it has nothing more to give, or is left. */
function toldOfEnd<T>(items: Pulled<T>, ended: () => void): Pulled<T> {
  return {
    async next() {
      try {
        const next = await items.next();
        if (next.done) ended();
        return next;
      } catch (error) {
        ended();
        throw error;
      }
    },
    return() {
      ended();
      return items.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Takes a delivery at once. */
function taken<T>({ value, take }: Delivery<T>): T {
  take();
  return value;
}

/** How a graph ended. */
export interface GraphEnd {
  readonly runs: readonly StageRun[];
  /** The first failure; `undefined` when all went well. */
  readonly failure: unknown;
}

/**
 * Wires all stages, waits for the last to close, and returns the first failure. A stage that does not close after the
 * run was told to stop is given up, with a warning. `wired` is told of the stages when they are in place.
 */
export async function startGraph(
  planned: Plan,
  services: RunServices,
  stop: AbortController,
  taps: Pick<Taps, 'connect'>,
  wired: (runs: ReadonlyMap<string, StageRun>) => void = () => undefined,
): Promise<GraphEnd> {
  const outputs = new Map<string, Edge>();
  const specs = new Map(planned.stages.map(({ stage, description }) => [stage.id, description.output]));
  const runs: StageRun[] = [];
  const leaves: Edge[] = [];
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    if (!stop.signal.aborted) stop.abort(error);
  };
  for (const { stage, survey, description, consumers } of planned.stages) {
    const waits = inputsThatWait(planned.pipeline, stage);
    // Subscribing starts the stages before; they deliver in a later turn, when every edge is in place.
    const inputs = stage.from.map((from, index) => ({
      id: from,
      spec: specs.get(from)!,
      items: pull(outputs.get(from)!, edgeBound, services.signal),
      waits: waits[index]!,
    }));
    const running = stageRun(stage, survey, description.output, inputs, services);
    runs.push(running);
    // A stage that ends early lets go of its inputs, so that the stages before it can end too.
    void running.closed.then(() => inputs.forEach(({ items }) => void items.return()));
    const output$ = push(running.items, services.pixels.sent).pipe(tap({ error: fail }));
    outputs.set(stage.id, output$);
    if (consumers.length === 0) leaves.push(output$);
  }
  const ended = new Promise<void>((resolve) => {
    merge(...leaves.map((leaf) => leaf.pipe(map(taken)))).subscribe({ error: () => resolve(), complete: resolve });
  });
  wired(new Map(planned.stages.map(({ stage }, index) => [stage.id, runs[index]!])));
  for (const [id, output$] of outputs) taps.connect(id, output$);
  const quiet = tellUtilisation(
    planned.stages.map(({ stage: { id } }, index) => ({ id, run: runs[index]! })),
    services.book.emit,
  );
  /** Stages that have not closed: those at work, or all where none is (each waits for another, or for the program). */
  const unfinished = (): PipelineStage[] => {
    const open = planned.stages.filter((_, index) => !runs[index]!.isClosed()).map(({ stage }) => stage);
    const working = open.filter(({ id }) =>
      runs[planned.stages.findIndex(({ stage }) => stage.id === id)]!.isWorking(),
    );
    return working.length > 0 ? working : open;
  };
  await patiently(
    ended.then(() => Promise.all(runs.map(({ closed }) => closed))),
    { signal: services.signal, stalled: () => fail(stalledError(unfinished())) },
  ).catch((reason: unknown) => {
    // A run that stalled is named by its error already.
    if (reason instanceof DeepEarthError && reason.code === 'E_STALLED') return;
    for (const { id } of unfinished())
      services.book.emit({
        type: 'warning',
        stage: id,
        message: 'had not ended some time after the run was told to stop; what it was doing is given up.',
      });
  });
  quiet();
  if (failure === undefined && stop.signal.aborted) failure = stop.signal.reason;
  return { runs, failure };
}

/** The process has nothing left to do, and these stages still wait. */
function stalledError(stages: readonly PipelineStage[]): DeepEarthError {
  const [first, ...others] = stages;
  const also = others.length ? ` So do ${others.map(({ id }) => id).join(', ')}.` : '';
  const plugin = first?.definition.plugin;
  const error = new DeepEarthError(
    `waits for something that never comes: nothing is left to do that could bring it.${also}`,
    {
      code: 'E_STALLED',
      remedy:
        plugin === undefined
          ? 'Run again with --resume; report it when it comes again.'
          : `Look for a promise that is never settled in the plugin ${plugin}.`,
    },
  );
  return first ? new StageError(first.id, undefined, error, plugin) : error;
}
