// Runs a stage once and writes down everything that can be seen from outside.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent } from '@deepearth/core/events';
import type { Item } from '@deepearth/core/items';
import { runStage, type StageInput } from '@deepearth/runtime/run-stage';
import type { StageUse } from '@deepearth/core/pipeline';
import type { StageRange } from '@deepearth/core/ranges';
import type { AnyStage, Subject } from './subject.ts';

export interface Seen {
  readonly items: Item[];
  readonly events: RunEvent[];
  /** What the run ended with. */
  readonly error: unknown;
  readonly opened: number;
  readonly closed: number;
  /** Items taken from the inputs. */
  readonly taken: number;
  /** Files in the output folder that belong to no artifact. */
  readonly strays: readonly string[];
  /** Wall time from the abort of the script's signal to the end of the run; absent where it ended before, or hangs. */
  readonly stopMilliseconds?: number;
  readonly folder: string;
}

/** What the consumer and the inputs of an observed run do. */
export interface Script {
  readonly options?: unknown;
  readonly inputs?: Subject['inputs'];
  readonly onError?: StageUse['onError'];
  /** Items of each input that are given; all by default. */
  readonly limit?: number;
  /**
   * Called before an input gives its next item (`index` from 0) and before its end (`index` is the number of items).
   */
  readonly beforeItem?: (index: number, count: number) => void;
  /** Called when an input has ended. */
  readonly afterEnd?: () => void;
  /** Called with every item that comes out; `false` leaves. */
  readonly onItem?: (
    item: Item,
    state: { taken: () => number; ended: () => boolean },
  ) => Promise<boolean | void> | boolean | void;
  readonly signal?: AbortSignal;
  /** The part of each sequence that is asked for; all by default. */
  readonly range?: StageRange;
  /** Looks at everything while the output folder is still there. */
  readonly look?: (seen: Seen) => Promise<void> | void;
}

/** What a hanging run is reported with. */
export class Hanging extends Error {}

/** Never throws for what the stage does: its error is part of what was seen. */
export async function observe(stage: AnyStage, subject: Subject, script: Script = {}): Promise<Seen> {
  const folder = await mkdtemp(join(tmpdir(), 'deepearth-conformance-'));
  const items: Item[] = [];
  const events: RunEvent[] = [];
  let [opened, closed, taken, ended] = [0, 0, 0, false];
  const watched: AnyStage = {
    ...stage,
    async open(context) {
      const state: unknown = await stage.open?.(context);
      opened += 1;
      return state;
    },
    async close(state) {
      closed += 1;
      if (stage.open) await stage.close?.(state);
    },
  };
  try {
    const inputs = stage.kind === 'source' ? [] : await ((script.inputs ?? subject.inputs)?.(folder) ?? []);
    const before = new Set(await filesUnder(folder));
    const feed = async (input: StageInput): Promise<StageInput> => {
      const all: Item[] = [];
      for await (const item of input.items) if (all.length < (script.limit ?? Infinity)) all.push(item);
      return {
        spec: { ...input.spec, count: all.length },
        items: (async function* () {
          for (const [index, item] of all.entries()) {
            script.beforeItem?.(index, all.length);
            // An edge of a graph refuses to go on once the run is aborted.
            script.signal?.throwIfAborted();
            taken += 1;
            yield item;
          }
          script.beforeItem?.(all.length, all.length);
          script.signal?.throwIfAborted();
          ended = true;
          script.afterEnd?.();
        })(),
      };
    };
    const fed = await Promise.all(inputs.map(feed));
    const running = runStage(watched, {
      options: script.options ?? subject.options,
      inputs: fed,
      output: folder,
      onEvent: (event) => void events.push(event),
      ...(script.onError ? { onError: script.onError } : {}),
      ...(script.signal ? { signal: script.signal } : {}),
      ...(script.range ? { range: script.range } : {}),
    });
    let error: unknown;
    let aborted: number | undefined;
    script.signal?.addEventListener('abort', () => (aborted = performance.now()), { once: true });
    try {
      await withPatience(
        subject,
        (async () => {
          for await (const item of running) {
            items.push(item);
            if ((await script.onItem?.(item, { taken: () => taken, ended: () => ended })) === false) break;
          }
        })(),
      );
    } catch (caught) {
      error = caught;
    }
    const stopped = aborted === undefined || error instanceof Hanging ? undefined : performance.now() - aborted;
    const known = new Set([...before, ...events.flatMap((event) => (event.type === 'artifact' ? [event.path] : []))]);
    // The journal is the run's own, and stays where a stage keeps notes.
    const strays = (await filesUnder(folder)).filter((path) => !known.has(path) && path !== '.deepearth/journal.jsonl');
    const seen = {
      ...{ items, events, error, opened, closed, taken, strays, folder },
      ...(stopped !== undefined && { stopMilliseconds: stopped }),
    };
    await script.look?.(seen);
    return seen;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Rejects with `Hanging` when the work takes longer than the subject's patience. */
export async function withPatience<T>(subject: Subject, work: Promise<T>): Promise<T> {
  const seconds = subject.patienceSeconds ?? 20;
  let timer: NodeJS.Timeout | undefined;
  const bell = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hanging(`nothing happened for ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, bell]).finally(() => clearTimeout(timer));
}

async function filesUnder(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
}

/** Whether `error` or something it was caused by is `cause`. */
export function causedBy(error: unknown, cause: unknown): boolean {
  for (let at = error; at !== undefined && at !== null; at = (at as Error).cause) if (at === cause) return true;
  return false;
}

export const textOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
