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
  const busiest = busySeconds.reduce<(typeof busySeconds)[number] | undefined>(
    (most, stage) => (!most || stage.seconds > most.seconds ? stage : most),
    undefined,
  );
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
    ...(busiest && seconds >= 2
      ? [style.dim(`Most of the time went into ${busiest.id}: ${formatSeconds(busiest.seconds)}.`)]
      : []),
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

function remarks(title: string, lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  const rest = lines.length > shownRemarks ? [`  … and ${lines.length - shownRemarks} more, in manifest.json`] : [];
  return [style.yellow(title), ...lines.slice(0, shownRemarks).map((line) => `  ${line}`), ...rest];
}
