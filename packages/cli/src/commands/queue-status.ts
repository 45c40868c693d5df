// `deepearth queue status`, `retry` and `drain`: what is in a queue, once more what was set aside, away with what
// waits.

import { prometheusText, queueStatus, removeWaiting, retryFailed, type QueueStatus } from '@deepearth/queue';
import { exitCodes } from '../exit-codes.ts';
import { formatTable, plural } from '../format.ts';
import { print, printJson } from '../print.ts';
import { openQueue, type QueueFlags } from './queue-flags.ts';

export interface QueueStatusFlags extends QueueFlags {
  readonly json?: boolean;
  readonly prometheus?: boolean;
}

export async function queueStatusCommand(flags: QueueStatusFlags): Promise<number> {
  const status = await queueStatus(await openQueue(flags));
  if (flags.json) printJson(status);
  else print(flags.prometheus ? prometheusText(status).trimEnd() : statusText(status));
  return exitCodes.done;
}

export async function queueRetryCommand(id: string | undefined, flags: QueueFlags): Promise<number> {
  const count = await retryFailed(await openQueue(flags), id);
  const none = id === undefined ? 'No job was set aside.' : `No job ${id} was set aside.`;
  print(count ? `${plural(count, 'job')} will be tried again.` : none);
  return count || id === undefined ? exitCodes.done : exitCodes.failed;
}

export async function queueDrainCommand(flags: QueueFlags): Promise<number> {
  const count = await removeWaiting(await openQueue(flags));
  print(`Removed ${plural(count, 'job')} that waited. Jobs at hand go on.`);
  return exitCodes.done;
}

function statusText({ queue, name, counts, workers, failed, active }: QueueStatus): string {
  const { waiting, prioritized, delayed, waitingForParts, completed } = counts;
  const lines = [
    `${name} on ${queue}: ${plural(workers, 'worker')}`,
    `${waiting + prioritized} waiting, ${delayed} to be tried again, ${counts.active} at hand, ${waitingForParts} waiting for parts, ${completed} done, ${counts.failed} set aside`,
  ];
  if (active.length)
    lines.push(
      '',
      'At hand:',
      table(active.map(({ title, output, progress }) => [title, progressText(progress), output])),
    );
  if (failed.length) {
    lines.push('', 'Set aside (`deepearth queue retry` tries them again):');
    for (const { id, title, output, failures } of failed)
      lines.push(
        `  ${title} into ${output} (${id})`,
        ...failures.map(({ worker, at, reason }) => `    ${at} ${worker}: ${reason.replaceAll('\n', '\n      ')}`),
      );
  }
  return lines.join('\n');
}

const table = (rows: readonly (readonly string[])[]): string =>
  formatTable([{ title: 'job' }, { title: 'progress' }, { title: 'output' }], rows);

function progressText(progress: unknown): string {
  const { stage, done, total } = progress as { stage?: string; done?: number; total?: number | null };
  if (stage === undefined) return '';
  return `${stage} ${done}${typeof total === 'number' ? ` of ${total}` : ''}`;
}
