// The summary of a run: where everything is, how much, how long, and what went wrong on the way.

import type { Manifest } from '@deepearth/core/manifest';
import { formatBytes, formatSeconds, formatTable, plural } from './format.ts';
import { plainStyle, type Style } from './style.ts';

const shownRemarks = 8;

/** For people; `folder` is the output folder as they should read it. */
export function runSummary(manifest: Manifest, folder: string, style: Style = plainStyle): string {
  const { outputs, skipped, warnings, stages, times, status } = manifest;
  const { seconds, busySeconds } = times;
  const busy = ({ id }: (typeof stages)[number]): number => busySeconds[id] ?? 0;
  const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
  const head = `${status === 'skipped' ? style.yellow('Finished with gaps') : style.green('Done')} in ${formatSeconds(seconds)}: ${plural(outputs.length, 'file')}, ${formatBytes(bytes)}, in ${style.bold(folder)}`;
  const rows = places(manifest).map(({ place, count, bytes: size }) => [
    `  ${place}`,
    count > 1 ? plural(count, 'file') : '',
    formatBytes(size),
  ]);
  const busiest = stages.reduce<(typeof stages)[number] | undefined>(
    (most, stage) => (!most || busy(stage) > busy(most) ? stage : most),
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
      ? [style.dim(`Most of the time went into ${busiest.id}: ${formatSeconds(busy(busiest))}.`)]
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

/** Folders with the files in them; a file that is alone in its folder by its own name. */
function places({ outputs }: Manifest): { place: string; count: number; bytes: number }[] {
  const found = new Map<string, { place: string; count: number; bytes: number }>();
  for (const { path, bytes } of outputs) {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : path;
    const entry = found.get(folder);
    found.set(
      folder,
      entry ? { place: folder, count: entry.count + 1, bytes: entry.bytes + bytes } : { place: path, count: 1, bytes },
    );
  }
  return [...found.values()];
}
