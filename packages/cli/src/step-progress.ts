// Progress of one long piece of work: a line on a terminal, JSON lines when they are asked for.

import { fit, formatBytes, formatNumber, formatWholeSeconds } from './format.ts';
import { liveLines } from './live-lines.ts';
import { printJsonLine } from './print.ts';
import { bar } from './progress-lines.ts';
import { rateOf, secondsLeft, type Sample } from './run-progress.ts';
import { styleOf } from './style.ts';

export interface StepProgress {
  /** `total` is null where it is not known. */
  report(step: string, done: number, total: number | null): void;
  /** Removes the line. */
  close(): void;
}

const redrawMs = 100;
const sampleMs = 250;
const keptSamples = 40;

/** Shows steps on stderr when it is a terminal; with `json` a line of stdout at most five times a second and at the end of every step. */
export function stepProgress({ json = false, unit = 'count' }: { json?: boolean; unit?: 'count' | 'bytes' } = {}): StepProgress {
  const terminal = process.stderr;
  const live = terminal.isTTY && !(json && process.stdout.isTTY) ? liveLines(terminal) : undefined;
  const style = styleOf(terminal);
  const show = unit === 'bytes' ? formatBytes : formatNumber;
  let current = '';
  let samples: Sample[] = [];
  let drawnAt = -Infinity;

  return {
    report(step, done, total) {
      const now = performance.now();
      if (step !== current || done < (samples.at(-1)?.done ?? 0)) [current, samples, drawnAt] = [step, [{ at: now, done }], -Infinity];
      if (now - (samples.at(-1)?.at ?? 0) >= sampleMs) samples = [...samples.slice(-keptSamples), { at: now, done }];
      if (done !== total && now - drawnAt < (json ? 2 * redrawMs : redrawMs)) return;
      drawnAt = now;
      if (json) printJsonLine({ type: 'progress', step, done, total });
      const left = secondsLeft(samples, total, now);
      const rate = unit === 'bytes' ? rateOf(samples, now) : undefined;
      const parts = [`${show(done)}${total === null ? '' : ` of ${show(total)}`}`, rate === undefined ? '' : `${formatBytes(rate)}/s`, left === undefined ? '' : `${formatWholeSeconds(Math.ceil(left))} left`];
      live?.draw([fit(`  ${total ? `${bar(done / total, 20, style)}  ` : ''}${step}  ${parts.filter(Boolean).join(', ')}`, terminal.columns || 80)]);
    },
    close() {
      live?.draw([]);
      live?.close();
    },
  };
}
