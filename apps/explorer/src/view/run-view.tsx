// The run itself: its stages with what they took and made, how long they worked, and what went wrong; while it goes, as
// it goes.

import type { RunOverview, StageOverview } from '@deepearth/runtime/run-overview';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { layoutOf } from '../state/run-graph.ts';
import { runFailure, runSeen, watchRun } from '../state/run.ts';
import { plural } from './words.ts';

const statusWords: Readonly<Record<RunOverview['status'], string>> = {
  running: 'Running',
  interrupted: 'Interrupted',
  done: 'Done',
  skipped: 'Done, without some items',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export function RunView() {
  useEffect(watchRun, []);
  const run = runSeen.value;
  return (
    <main class="run" aria-label="Run">
      {runFailure.value && <p class="hint">{runFailure.value}</p>}
      {run && <Run run={run} />}
      {!run && !runFailure.value && <p class="hint">Loading …</p>}
    </main>
  );
}

function Run({ run }: { run: RunOverview }) {
  const { status, message, startedAt, seconds, files, bytes, skipped, warnings } = run;
  return (
    <>
      <p class="run-facts">
        <strong data-status={status}>{statusWords[status]}</strong>
        <span>{duration(seconds)}</span>
        <span>since {startedAt.replace('T', ' ').replace(/(?:\.\d+)?Z$/, '')} UTC</span>
        <span>
          {plural(files, 'file')}, {size(bytes)}
        </span>
        {skipped.count > 0 && <span class="bad">{plural(skipped.count, 'item')} left out</span>}
        {warnings.count > 0 && <span>{plural(warnings.count, 'warning')}</span>}
      </p>
      {message && (
        <p class="bad" role="alert">
          {message}
        </p>
      )}
      <Graph run={run} />
      <Said title="Left out" all={skipped} />
      <Said title="Warnings" all={warnings} />
    </>
  );
}

/** Pixels of a box, and of what is between two. */
const box = { width: 196, height: 112 };
const gap = { along: 44, across: 18 };
/** Narrower pages have the graph from top to bottom. */
const narrow = '(max-width: 820px)';

function Graph({ run }: { run: RunOverview }) {
  const { stages, seconds } = run;
  const down = useSignal(matchMedia(narrow).matches);
  useEffect(() => {
    const query = matchMedia(narrow);
    const change = (): void => void (down.value = query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  const shape = stages.map(({ id, from }) => `${id}<${from.join()}`).join();
  const layout = useMemo(() => layoutOf(stages.map(({ id, from }) => ({ id, from }))), [shape]);
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const place = (along: number, across: number): readonly [x: number, y: number] =>
    down.value
      ? [across * (box.width + gap.across), along * (box.height + gap.along)]
      : [along * (box.width + gap.along), across * (box.height + gap.across)];
  const places = new Map(layout.places.map(({ stage, along, across }) => [stage.id, place(along, across)]));
  const [width, height] = place(Math.max(0, layout.layers - 1), Math.max(0, layout.breadth - 1));
  const most = Math.max(0.001, ...stages.map(({ busySeconds }) => busySeconds));
  return (
    <section class="graph" tabIndex={0} aria-label="Stages">
      <div class="graph-area" style={{ width: `${width + box.width}px`, height: `${height + box.height}px` }}>
        <svg width={width + box.width} height={height + box.height} aria-hidden="true">
          {stages.flatMap(({ id, from }) =>
            from.flatMap((each) => {
              const [start, end] = [places.get(each), places.get(id)];
              return start && end
                ? [
                    <path
                      key={`${each} ${id}`}
                      d={edge(start, end, down.value)}
                      data-flows={byId.get(each)?.state === 'open'}
                    />,
                  ]
                : [];
            }),
          )}
        </svg>
        <ol>
          {stages.map((stage) => {
            const [left, top] = places.get(stage.id) ?? [0, 0];
            return (
              <li
                key={stage.id}
                class="stage-box"
                data-state={stage.state}
                style={{ left: `${left}px`, top: `${top}px` }}
              >
                <StageBox stage={stage} seconds={seconds} most={most} running={run.status === 'running'} />
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}

type Corner = readonly [x: number, y: number];

/** A curve from the end of one box to the start of another. */
function edge([fromX, fromY]: Corner, [toX, toY]: Corner, down: boolean): string {
  if (down) {
    const [x, y, endX] = [fromX + box.width / 2, fromY + box.height, toX + box.width / 2];
    const bend = (toY - y) / 2;
    return `M${x} ${y}C${x} ${y + bend} ${endX} ${toY - bend} ${endX} ${toY}`;
  }
  const [x, y, endY] = [fromX + box.width, fromY + box.height / 2, toY + box.height / 2];
  const bend = (toX - x) / 2;
  return `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${endY} ${toX} ${endY}`;
}

function StageBox({
  stage: { id, type, from, count, in: taken, out, skipped, state, busySeconds, step },
  seconds,
  most,
  running,
}: {
  stage: StageOverview;
  seconds: number;
  most: number;
  running: boolean;
}) {
  const n = (value: number): string => value.toLocaleString('en');
  const share = seconds > 0 ? Math.min(100, Math.round((100 * busySeconds) / seconds)) : 0;
  const parts = [
    ...(from.length > 0 ? [`${n(taken)} in`] : []),
    `${n(out)}${running && state !== 'closed' && count !== null ? ` of ${n(count)}` : ''} out`,
  ];
  return (
    <>
      <strong title={id}>{id}</strong>
      <small title={type}>{type}</small>
      <span>{parts.join(' → ')}</span>
      {step && state === 'open' ? (
        <span class="step">
          {step.name} {n(step.done)}
          {step.total !== null && ` of ${n(step.total)}`}
        </span>
      ) : skipped > 0 ? (
        <span class="bad">{n(skipped)} left out</span>
      ) : (
        <span class="step">{state !== 'closed' && taken + out === 0 ? 'waits' : ''}</span>
      )}
      <span class="busy">
        {duration(busySeconds)} at work, {share} %
      </span>
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${(100 * busySeconds) / most}%` }} />
      </span>
    </>
  );
}

function Said({
  title,
  all: { count, first },
}: {
  title: string;
  all: { count: number; first: readonly { stage: string; item?: string; message: string }[] };
}) {
  if (count === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul class="said">
        {first.map(({ stage, item, message }, i) => (
          <li key={i}>
            <strong>{stage}</strong> {item !== undefined && <span>{item}: </span>}
            {message}
          </li>
        ))}
        {count > first.length && <li>… and {(count - first.length).toLocaleString('en')} more</li>}
      </ul>
    </section>
  );
}

/** `0.35 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`;
}

function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  return `${(bytes / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${units[power]}`;
}
