// Runs one stage of a graph: opens it, drives its body, counts, and always closes it.

import { checkedFrame, checkItem } from './check-item.ts';
import { DeepEarthError, stageErrorOf } from './errors.ts';
import { fileError } from './file-trouble.ts';
import type { StageCounts } from './events.ts';
import type { Clip, Frame, Item } from './items.ts';
import { finalAction, retrying } from './on-error.ts';
import type { Book } from './book.ts';
import type { ManifestSoFar } from './manifest.ts';
import type { PipelineStage } from './pipeline.ts';
import type { RunNotes } from './notes.ts';
import type { RunPixelPool } from './pixel-pool.ts';
import { oneAfterAnother } from './one-after-another.ts';
import { operate } from './pull.ts';
import type { StreamSpec } from './specs.ts';
import { stageKey } from './stage-key.ts';
import { isWithin, wholeRange } from './range.ts';
import type { SequenceRanges } from './ranges.ts';
import { reopen, sharing, type Reopening } from './reopen.ts';
import type { FormerRun, Range, Scratch, StageContext } from './stage.ts';

/** What a stage shares with the run it is part of. */
export interface RunServices extends Reopening {
  readonly book: Book;
  readonly former: FormerRun;
  readonly notes: RunNotes;
  readonly pixels: RunPixelPool;
  readonly severalSequences: boolean;
  readonly ranges: ReadonlyMap<string, SequenceRanges>;
  /** Ids of stages that go by their ids; see `StageContext.ownName`. */
  readonly named: ReadonlySet<string>;
  /** Ids of stages whose items may be read later; see `StageContext.readLater`. */
  readonly readLater: ReadonlySet<string>;
  /** See `StageContext.manifest`. */
  manifest(stage: string): ManifestSoFar;
}

export interface StageInputs {
  readonly id: string;
  readonly spec: StreamSpec;
  readonly items: AsyncIterable<Item>;
  /** Whether it can wait, unread, until the inputs before it have ended. */
  readonly waits: boolean;
}

export interface StageRun {
  readonly items: AsyncIterable<Item>;
  /** Settles when the stage is closed, whatever became of it. */
  readonly closed: Promise<void>;
  /** Whether it has ended and is closed. */
  isClosed(): boolean;
  /** Whether it is at work, not waiting for its inputs or its consumers. */
  isWorking(): boolean;
  counts(): StageCounts;
}

/**
 * Prepares a stage to run; nothing happens before its items are iterated. They are compared with `output`, what the
 * stage described, where that is given.
 */
export function stageRun(
  stage: PipelineStage,
  survey: unknown,
  output: StreamSpec | undefined,
  inputs: readonly StageInputs[],
  services: RunServices,
): StageRun {
  const { definition, id, options, onError } = stage;
  const { signal, store, book, resources } = services;
  const { emit } = book;
  const scratches: { close(): Promise<void> }[] = [];
  const scratchNames = new Map<string, number>();
  const range = services.ranges.get(id);
  const clipRange = (sequence: string): Range => range?.(sequence).clips ?? wholeRange;
  const once = { read: false };
  const counts = { in: 0, out: 0, skipped: 0 };
  const clock = stopwatch();
  const devices = new Map<string, ReturnType<typeof stopwatch>>();

  const attempt: StageContext['attempt'] = async (item, work) => {
    const rest = clock.work();
    try {
      return await retrying(onError, signal, work);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failure = stageErrorOf(id, item.id, fileError(error), definition.plugin);
      if (finalAction(onError) === 'fail') throw failure;
      counts.skipped += 1;
      emit({ type: 'skipped', stage: id, item: item.id, message: failure.message });
      return undefined;
    } finally {
      rest();
    }
  };

  const counted = (items: AsyncIterable<Item>): AsyncIterable<Item> => ({
    [Symbol.asyncIterator]: () => {
      const iterator = items[Symbol.asyncIterator]();
      return {
        async next() {
          const resume = clock.pause();
          const next = await iterator.next().finally(resume);
          if (!next.done) counts.in += 1;
          return next;
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  });

  const context: StageContext<unknown, unknown, unknown> = {
    id,
    type: definition.type,
    options,
    state: undefined,
    survey,
    ...(services.named.has(id) && { ownName: id }),
    inputs: inputs.map(({ id: from, spec, items }) => ({ id: from, spec, items: counted(items) })),
    signal,
    log: {
      info: (message) => emit({ type: 'info', stage: id, message }),
      warn: (message) => emit({ type: 'warning', stage: id, message }),
    },
    output: book.outputOf(id),
    former: services.former,
    notes: services.notes.of(id),
    pixels: services.pixels,
    severalSequences: services.severalSequences,
    readLater: services.readLater.has(id),
    frameRange: (sequence) => range?.(sequence).frames ?? wholeRange,
    clipRange,
    async scratch(name): Promise<Scratch> {
      // Inputs that a stage takes side by side each ask for one of the same name.
      const earlier = scratchNames.get(name) ?? 0;
      scratchNames.set(name, earlier + 1);
      const scratch = await store.scratch(`${id}/${name}${earlier ? `.${earlier + 1}` : ''}`);
      scratches.push(scratch);
      return scratch;
    },
    workFolder() {
      if (!store.workFolder) throw new DeepEarthError(`${store.name} has no folders`, { code: 'E_NO_FOLDER' });
      return store.workFolder(id);
    },
    keep: resources.keep,
    share: sharing(services),
    reopen: (locator, read = {}) => reopen(locator, { signal, ...read }, services),
    progress: (step, done, total, estimated) =>
      emit({ type: 'progress', stage: id, step, done, total, ...(estimated !== undefined && { estimated }) }),
    working(device) {
      const own = devices.get(device) ?? workOnly();
      devices.set(device, own);
      const ends = [clock.work(), own.work()];
      return () => ends.forEach((end) => end());
    },
    recordInput: (file) => book.recordInput(file, id),
    recordFinding: (name, value) => book.recordFinding(id, name, value),
    manifest: () => services.manifest(id),
    attempt,
    key: stageKey(stage),
  };

  async function* body(): AsyncGenerator<Item> {
    try {
      const state = await definition.open?.(context as never);
      emit({ type: 'stage-opened', stage: id });
      try {
        yield* opened({ ...context, state } as never);
      } finally {
        if (definition.open) await definition.close?.(state);
      }
    } finally {
      await Promise.all(scratches.map((scratch) => scratch.close()));
    }
  }

  function opened(running: never): AsyncIterable<Item> {
    const room = (index: number): Promise<Scratch> => context.scratch(`input-${index}`);
    if (inputs.length === 0 || definition.joins === 'separate') return worked(nothing, running);
    if (inputs.length === 1) return worked(counted(inputs[0]!.items), running);
    if (definition.joins === 'parallel' || definition.apart?.(inputs))
      return oneAfterAnother(
        inputs.map(({ items, waits }) => ({ items: leaving(items, worked(counted(items), running)), waits })),
        room,
      );
    return worked(counted(oneAfterAnother(inputs, room)), running);
  }

  async function* worked(items: AsyncIterable<Item>, running: never): AsyncGenerator<Item> {
    if (definition.process) yield* definition.process(items, running);
    else if (definition.operator) yield* operate(items, definition.operator(running));
    else {
      for await (const item of items) {
        const made = await attempt(item, async () => definition.each!(item, running));
        if (Array.isArray(made)) yield* made as Item[];
        else if (made !== undefined) yield made as Item;
      }
    }
  }

  let over = false;
  let settle = (): void => undefined;
  const closed = new Promise<void>((resolve) => (settle = resolve));
  const snapshot = (): StageCounts => ({
    ...counts,
    busySeconds: secondsOf(clock),
    ...(devices.size > 0 && {
      devices: Object.fromEntries([...devices].map(([name, own]) => [name, secondsOf(own)])),
    }),
  });
  const items = (async function* (): AsyncGenerator<Item> {
    clock.start();
    try {
      for await (const item of body()) {
        // A windower that makes clips of whole sequences makes those of other parts of the run too.
        if (range && isClip(item) && !isWithin(item.index, clipRange(item.sequence))) continue;
        if (counts.out === 0 && output) checkItem(item, output, definition);
        counts.out += 1;
        if (definition.kind === 'source') {
          book.recordSent(id, item);
          await book.settled();
        }
        emit({ type: 'item', stage: id, item: item.id, out: counts.out });
        const sent =
          output && definition.plugin !== undefined && item.kind === 'frame'
            ? checkedFrame(item as Frame, id, output, definition, once)
            : item;
        const resume = clock.pause();
        yield sent;
        resume();
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw stageErrorOf(id, undefined, fileError(error), definition.plugin);
    } finally {
      clock.stop();
      over = true;
      settle();
      emit({ type: 'stage-closed', stage: id, ...snapshot() });
    }
  })();
  return { items, closed, isClosed: () => over, isWorking: clock.isRunning, counts: snapshot };
}

const isClip = (item: Item): item is Clip => item.kind === 'clip';

const nothing: AsyncIterable<Item> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** What is made of `items`; who leaves it early ends `items` first, which it may be waiting for. */
const leaving = (items: AsyncIterable<Item>, made: AsyncGenerator<Item>): AsyncIterable<Item> => ({
  [Symbol.asyncIterator]: () => ({
    next: () => made.next(),
    async return() {
      await items[Symbol.asyncIterator]().return?.();
      return made.return(undefined);
    },
  }),
});

/** A clock that runs while something works. */
function workOnly(): ReturnType<typeof stopwatch> {
  const clock = stopwatch();
  clock.pause();
  clock.start();
  return clock;
}

const secondsOf = (clock: ReturnType<typeof stopwatch>): number => Math.round(clock.milliseconds()) / 1000;

/** Measures the time that is not paused. */
function stopwatch() {
  let total = 0;
  let since: number | undefined;
  let started = false;
  let pauses = 0;
  let works = 0;
  /** A stage that works on one item while it waits for the next is busy. */
  const settle = (): void => {
    const running = started && (pauses === 0 || works > 0);
    if (running && since === undefined) since = performance.now();
    if (running || since === undefined) return;
    total += performance.now() - since;
    since = undefined;
  };
  const change = (by: () => void): void => {
    by();
    settle();
  };
  return {
    start: () => change(() => void (started = true)),
    stop: () => change(() => void (started = false)),
    /** Waiting begins; call what is returned when it ends. */
    pause() {
      change(() => pauses++);
      return () => change(() => pauses--);
    },
    /** Work on an item begins; call what is returned when it ends. */
    work() {
      change(() => works++);
      return () => change(() => works--);
    },
    isRunning: () => since !== undefined,
    milliseconds: () => total + (since === undefined ? 0 : performance.now() - since),
  };
}
