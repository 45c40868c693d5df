// The summary of a run: where everything is, how much, how long, and what went wrong on the way.

import { formatBytes, formatSeconds, formatTable, plural } from './format.ts';
import type { RunTally } from './run-tally.ts';
import { plainStyle, type Style } from './style.ts';

const shownRemarks = 8;

/** For people; `folder` is the output folder as they should read it. */
export function runSummary(tally: RunTally, folder: string, style: Style = plainStyle): string {
  const { files, bytes, places, skipped, warnings, busySeconds, seconds, status } = tally;
  const head = `${status === 'skipped' ? style.yellow('Finished with gaps') : style.green('Done')} in ${formatSeconds(seconds)}: ${plural(files, 'file')}, ${formatBytes(bytes)}, in ${style.bold(folder)}`;
  const rows = places.map(({ place, count, bytes: size }) => [
    `  ${place}`,
    count > 1 ? plural(count, 'file') : '',
    formatBytes(size),
  ]);
  return [
    head,
    ...(rows.length
      ? [
          formatTable([{ title: '' }, { title: '', align: 'right' }, { title: '', align: 'right' }], rows)
            .split('\n')
            .slice(1)
            .join('\n'),
        ]
      : []),
    `  manifest.json`,
    ...(seconds >= 2 ? busyLines(busySeconds, seconds, style) : []),
    ...remarks(
      `${plural(warnings.length, 'warning')}:`,
      warnings.map(({ stage, message }) => `${stage}: ${message}`),
      style,
    ),
    ...remarks(
      `${plural(skipped.length, 'item')} skipped:`,
      skipped.map(({ message }) => message),
      style,
    ),
  ].join('\n');
}

/** Stages that worked for less of the time are not listed. */
const listedShare = 0.01;

/** Which share of the time each stage worked, and each of its devices. */
function busyLines(stages: RunTally['busySeconds'], seconds: number, style: Style): string[] {
  const share = (worked: number): string => `${Math.min(100, Math.round((100 * worked) / seconds))} %`;
  const shown = stages.filter((stage) => stage.seconds >= listedShare * seconds);
  if (shown.length === 0) return [];
  const each = shown.map(({ id, seconds: worked, devices }) => {
    const own = Object.entries(devices ?? {}).map(([name, busy]) => `${name} ${share(busy)}`);
    return `${id} ${share(worked)}${own.length ? ` (${own.join(', ')})` : ''}`;
  });
  return [style.dim(`Busy, side by side: ${each.join(', ')}.`)];
}

function remarks(title: string, lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  const rest = lines.length > shownRemarks ? [`  … and ${lines.length - shownRemarks} more, in manifest.json`] : [];
  return [style.yellow(title), ...lines.slice(0, shownRemarks).map((line) => `  ${line}`), ...rest];
}
