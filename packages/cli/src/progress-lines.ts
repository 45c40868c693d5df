// The progress of a run as lines for a terminal: one per stage and one for the whole.

import { formatBytes, formatNumber, formatSeconds, formatWholeSeconds, padEnd, padStart } from './format.ts';
import { rateOf, secondsLeft, type RunProgress, type StageProgress } from './run-progress.ts';
import { plainStyle, type Style } from './style.ts';

const barWidth = 14;

/** `━━━━━╌╌╌╌╌` */
export function bar(part: number, width: number, style: Style): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * width);
  return style.cyan('━'.repeat(full)) + style.dim('╌'.repeat(width - full));
}

const marks = { waiting: '·', open: '▸', closed: '✓' } as const;

/** Lines for `columns` columns; the last one tells of the run as a whole. */
export function progressLines(
  progress: RunProgress,
  now: number,
  { columns = 80, style = plainStyle }: { columns?: number; style?: Style } = {},
): string[] {
  const names = Math.min(24, Math.max(4, ...progress.stages.map(({ id }) => id.length)));
  const numbers = Math.max(3, ...progress.stages.map((stage) => countText(stage).length));
  const withBar = columns >= names + numbers + barWidth + 30;
  const lines = progress.stages.map((stage) => stageLine(stage, now, { names, numbers, withBar, style }));
  const seconds = (now - progress.startedAt) / 1000;
  const left = timeLeft(progress, now);
  const done = progress.stages.every(({ state }) => state === 'closed');
  const parts = [
    formatWholeSeconds(Math.floor(seconds)),
    left === undefined ? '' : `about ${formatWholeSeconds(Math.ceil(left))} left`,
    progress.artifacts
      ? `${progress.artifacts} ${progress.artifacts === 1 ? 'file' : 'files'}, ${formatBytes(progress.bytes)}`
      : '',
    done ? '' : 'Ctrl-C stops',
  ];
  return [...lines, style.dim(`  ${parts.filter(Boolean).join(' · ')}`)];
}

/** The longest of what the stages still take; undefined while any count is unknown. */
function timeLeft({ stages }: RunProgress, now: number): number | undefined {
  const open = stages.filter(({ state, count, out }) => state !== 'closed' && count !== out);
  if (open.length === 0 || open.some(({ count }) => count === null)) return undefined;
  const known = open.flatMap((stage) => secondsLeft(stage.samples, stage.count, now) ?? []);
  // The time of a stage that has sent nothing yet is not known.
  return known.length === open.length ? Math.max(...known) : undefined;
}

const countText = ({ out, count }: StageProgress): string => (count === null ? String(out) : `${out}/${count}`);

interface Layout {
  readonly names: number;
  readonly numbers: number;
  readonly withBar: boolean;
  readonly style: Style;
}

function stageLine(stage: StageProgress, now: number, { names, numbers, withBar, style }: Layout): string {
  const { id, count, out, skipped, state, step, samples, estimated, busy } = stage;
  const short = state === 'closed' && count !== null && out + skipped < count;
  const mark = short
    ? style.yellow('■')
    : { waiting: style.dim, open: style.cyan, closed: style.green }[state](marks[state]);
  const name = padEnd(id, names);
  const done = padStart(countText(stage), numbers);
  const reached = estimated === undefined ? out : Math.max(out, estimated);
  const part =
    state === 'closed' && !short
      ? 1
      : step?.total && reached === 0
        ? step.done / step.total
        : count
          ? reached / count
          : 0;
  const known = state === 'closed' || count !== null || Boolean(step?.total);
  const missed = skipped ? `  ${style.yellow(`${skipped} skipped`)}` : '';
  const head = ` ${mark} ${state === 'waiting' ? style.dim(name) : name}  ${done}${withBar ? `  ${known ? bar(part, barWidth, style) : ' '.repeat(barWidth)}` : ''}`;
  if (state === 'closed') return `${head}  ${style.dim(formatSeconds(stage.busySeconds))}${missed}`;
  if (state === 'waiting') return head;
  const pace =
    step && out === 0 ? stepText(stage, now) : paceText(rateOf(samples, now), secondsLeft(samples, count, now));
  // Of several seconds an item, how far the next is; an estimate, and called one.
  const next =
    estimated !== undefined && estimated > out ? `next about ${percent(Math.min(0.99, estimated - out))}` : '';
  const share = busy === undefined ? '' : `${percent(busy)} busy`;
  return `${head}  ${[pace, next, share].filter(Boolean).join(', ')}${missed}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function stepText({ step }: StageProgress, now: number): string {
  const { name, done, total, samples } = step!;
  const left = secondsLeft(samples, total, now);
  return `${name} ${formatNumber(done)}${total === null ? '' : `/${formatNumber(total)}`}${left === undefined ? '' : `, ${formatWholeSeconds(Math.ceil(left))} left`}`;
}

function paceText(rate: number | undefined, left: number | undefined): string {
  if (rate === undefined) return '';
  const pace = rate >= 0.1 ? `${formatNumber(rate)}/s` : `${formatSeconds(1 / rate)} each`;
  return left === undefined || left < 0.5 ? pace : `${pace}, ${formatWholeSeconds(Math.ceil(left))} left`;
}
