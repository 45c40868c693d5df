// Progress of one long piece of work, on stderr: a line on a terminal, JSON lines when they are asked for, else now and
// then a line of text.

import { fit, formatBytes, formatNumber, formatWholeSeconds } from './format.ts';
import { liveLines } from './live-lines.ts';
import { remark } from './print.ts';
import { bar } from './progress-lines.ts';
import { rateOf, secondsLeft, type Sample } from './run-progress.ts';
import { styleOf } from './style.ts';

export interface StepProgress {
  /** `total` is null where it is not known. */
  report(step: string, done: number, total: number | null): void;
  /** Writes the last of JSON lines, if it came too soon after another; removes the line of a terminal. */
  close(): void;
}

const sampleMs = 250;
const keptSamples = 40;
/** How often something is shown at most, in milliseconds. */
const intervals = { terminal: 100, json: 200, text: 5000 } as const;

export function stepProgress({
  json = false,
  unit = 'count',
}: { json?: boolean; unit?: 'count' | 'bytes' } = {}): StepProgress {
  const terminal = process.stderr;
  const form = terminal.isTTY ? 'terminal' : json ? 'json' : 'text';
  const live = form === 'terminal' ? liveLines(terminal) : undefined;
  const style = styleOf(terminal);
  const show = unit === 'bytes' ? formatBytes : formatNumber;
  let current = '';
  let samples: Sample[] = [];
  let shownAt = form === 'text' ? performance.now() : -Infinity;

  const text = (step: string, done: number, total: number | null, now: number): string => {
    const left = done === total ? undefined : secondsLeft(samples, total, now);
    const rate = unit === 'bytes' ? rateOf(samples, now) : undefined;
    const parts = [
      `${show(done)}${total === null ? '' : ` of ${show(total)}`}`,
      rate === undefined ? '' : `${formatBytes(rate)}/s`,
      left === undefined ? '' : `${formatWholeSeconds(Math.ceil(left))} left`,
    ];
    return `${step}  ${parts.filter(Boolean).join(', ')}`;
  };

  /** The last report, while it is not written. */
  let held: { readonly step: string; readonly done: number; readonly total: number | null } | undefined;
  const release = (): void => {
    if (held) remark(JSON.stringify({ type: 'progress', ...held }));
    held = undefined;
  };

  return {
    report(step, done, total) {
      const now = performance.now();
      if (step !== current || done < (samples.at(-1)?.done ?? 0)) {
        release();
        [current, samples] = [step, [{ at: now, done }]];
        if (form !== 'text') shownAt = -Infinity;
      }
      if (now - (samples.at(-1)?.at ?? 0) >= sampleMs) samples = [...samples.slice(-keptSamples), { at: now, done }];
      if (form === 'json') held = { step, done, total };
      if (now - shownAt < intervals[form] && !(form !== 'text' && done === total)) return;
      shownAt = now;
      if (form === 'json') release();
      else if (form === 'text') remark(text(step, done, total, now));
      else
        live!.draw([
          fit(
            `  ${total ? `${bar(done / total, 20, style)}  ` : ''}${text(step, done, total, now)}`,
            terminal.columns || 80,
          ),
        ]);
    },
    close() {
      release();
      live?.draw([]);
      live?.close();
    },
  };
}
