// Shows a run's events: as a block of progress on a terminal, as JSON lines, or as remarks alone.

import type { RunEvent } from '@deepearth/core/events';
import {
  auditTime,
  combineLatest,
  concat,
  defer,
  map,
  mergeMap,
  scan,
  share,
  Subscription,
  takeUntil,
  last,
  type MonoTypeOperatorFunction,
  Observable,
} from 'rxjs';
import { formatBytes, plural } from './format.ts';
import { liveLines } from './live-lines.ts';
import { printJsonLine, remark } from './print.ts';
import { progressLines } from './progress-lines.ts';
import { advance, noProgress } from './run-progress.ts';
import { styleOf, type Style } from './style.ts';

const redrawMs = 100;
const jsonProgressMs = 200;

/** Twice a second, from now on; it keeps no process alive, which would hide that a run has nothing left to do. */
const clockTicks$ = new Observable<void>((subscriber) => {
  subscriber.next();
  const timer = setInterval(() => subscriber.next(), 500);
  timer.unref();
  return () => clearInterval(timer);
});

/** What a person should read of an event at once; undefined for most. */
export function remarkOf(event: RunEvent, style: Style): string | undefined {
  if (event.type === 'warning') return `${style.yellow('warning:')} ${event.stage}: ${event.message}`;
  if (event.type === 'overwriting')
    return `${style.yellow('overwriting:')} ${plural(event.files, 'file')} (${formatBytes(event.bytes)}) of the pipeline ${JSON.stringify(event.pipeline)}`;
  if (event.type === 'skipped') return `${style.yellow('skipped:')} ${event.message}`;
  if (event.type === 'info') return `${style.dim(`${event.stage}:`)} ${event.message}`;
  return undefined;
}

export interface RunView {
  /** Writes a line for the person who watches. */
  say(text: string): void;
  close(): void;
}

/** Redraws at most ten times a second, however many events come. */
export function showProgress(events$: Observable<RunEvent>, terminal: NodeJS.WriteStream): RunView {
  const block = liveLines(terminal);
  const style = styleOf(terminal);
  const shared$ = events$.pipe(share());
  const clock = (): number => performance.now();
  const progress$ = shared$.pipe(
    scan((progress, event) => advance(progress, event, clock()), noProgress(clock())),
    share(),
  );
  const draw = (progress: ReturnType<typeof noProgress>): void => {
    if (progress.stages.length) block.draw(progressLines(progress, clock(), { columns: terminal.columns, style }));
  };
  const ticks$ = clockTicks$.pipe(takeUntil(progress$.pipe(last(null, undefined))));
  const shown = new Subscription(() => block.close());
  shown.add(
    combineLatest([progress$, ticks$])
      .pipe(
        auditTime(redrawMs),
        map(([progress]) => progress),
      )
      .subscribe(draw),
  );
  shown.add(progress$.pipe(last(null, undefined)).subscribe((progress) => progress && draw(progress)));
  shown.add(
    shared$.subscribe((event) => {
      const text = remarkOf(event, style);
      if (text !== undefined) block.above(text);
    }),
  );
  return { say: (text) => block.above(text), close: () => shown.unsubscribe() };
}

/** Warnings and skipped items only, for a log without a terminal. */
export function showRemarks(events$: Observable<RunEvent>): RunView {
  const style = styleOf(process.stderr);
  const shown = events$.subscribe((event) => {
    const text = event.type === 'info' ? undefined : remarkOf(event, style);
    if (text !== undefined) remark(text);
  });
  return { say: remark, close: () => shown.unsubscribe() };
}

/** One JSON line per event. */
export const showJson = (events$: Observable<RunEvent>): Subscription =>
  events$.pipe(pacedProgress()).subscribe(printJsonLine);

/**
 * Lets a few progress events a second through for each step of a stage, and always the last: one that came too soon
 * follows when its stage closes, or the run ends.
 */
export function pacedProgress(clock: () => number = () => performance.now()): MonoTypeOperatorFunction<RunEvent> {
  return (events$) =>
    defer(() => {
      const latest = new Map<string, number>();
      const held = new Map<string, RunEvent & { readonly type: 'progress' }>();

      const release = (stage?: string): RunEvent[] => {
        const due = [...held].filter(([, event]) => stage === undefined || event.stage === stage);
        for (const [step] of due) held.delete(step);
        return due.map(([, event]) => event);
      };
      const paced = (event: RunEvent): RunEvent[] => {
        if (event.type === 'stage-closed') return [...release(event.stage), event];
        if (event.type === 'run-finished') return [...release(), event];
        if (event.type !== 'progress') return [event];
        const step = `${event.stage} ${event.step}`;
        const now = clock();
        if (event.done !== event.total && now - (latest.get(step) ?? -Infinity) < jsonProgressMs) {
          held.set(step, event);
          return [];
        }
        latest.set(step, now);
        held.delete(step);
        return [event];
      };
      return concat(
        events$.pipe(mergeMap(paced)),
        defer(() => release()),
      );
    });
}
