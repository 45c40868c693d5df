// `deepearth plan`: what would happen, without reading any data.

import { plan, unread, unreadWarning, type Plan } from '@deepearth/core/plan';
import { formatCount, formatSpec } from '@deepearth/core/specs';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, formatTable } from '../format.ts';
import { jobsJson, jobsOfFlags, jobsText, type JobFlags } from '../jobs.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { print, printJson } from '../print.ts';
import { planJson } from '../plan-json.ts';
import { plainStyle, styleOf, type Style } from '../style.ts';

export interface PlanFlags extends JobFlags {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export async function planCommand(file: string, flags: PlanFlags): Promise<number> {
  const { pipeline } = await loadPipeline(file, flags.set);
  const planned = await plan(pipeline);
  const jobs = jobsOfFlags(planned, flags);
  if (flags.json) printJson(jobs ? { ...(planJson(planned) as object), ...jobsJson(jobs) } : planJson(planned));
  else print([planText(planned, styleOf(process.stdout)), ...(jobs ? ['', jobsText(jobs)] : [])].join('\n'));
  return exitCodes.done;
}

/** What a user may not expect, stage by stage: what a run puts into its manifest. */
export const planWarnings = (planned: Plan): string[] => [
  ...planned.stages.flatMap(({ stage, description }) =>
    (description.warnings ?? []).map((warning) => `${stage.id}: ${warning}.`),
  ),
  ...unread(planned).map((id) => `${id}: ${unreadWarning}.`),
];

const bytes = (value: number | undefined): string => (value ? formatBytes(value) : '');

/** A table of the stages, the sums, and what is worth knowing. */
export function planText(planned: Plan, style: Style = plainStyle): string {
  const { pipeline, stages, memoryBytes, diskBytes } = planned;
  const rows = stages.map(({ stage, description: { output, memoryBytes: memory, diskBytes: disk } }) => {
    return [
      stage.id,
      stage.definition.type,
      stage.from.join(', '),
      formatCount(output),
      formatSpec(output).replace(/ x (≤ )?[^ ]+$/, ''),
      bytes(memory),
      stage.definition.kind === 'sink' && disk === undefined ? '?' : bytes(disk),
    ];
  });
  const table = formatTable(
    [
      { title: 'stage' },
      { title: 'type' },
      { title: 'from' },
      { title: 'count', align: 'right' },
      { title: 'each' },
      { title: 'memory', align: 'right' },
      { title: 'disk', align: 'right' },
    ],
    rows,
  ).split('\n');
  const notes = stages.flatMap(({ stage, description }) => [
    // The output of a sink does not matter here, and a stage with notes of its own says it better.
    ...(description.drains && !description.notes?.length && stage.definition.kind !== 'sink'
      ? [`${stage.id} sends nothing before everything has come in.`]
      : []),
    ...(description.notes ?? []).map((note) => `${stage.id}: ${note}`),
  ]);
  const warnings = planWarnings(planned);
  return [
    style.bold(pipeline.name),
    style.dim(table[0]!),
    ...table.slice(1),
    `At most about ${formatBytes(memoryBytes)} of memory beside the program itself, ${formatBytes(diskBytes)} on disk${rows.some((row) => row.at(-1) === '?') ? ', and what has a ? there' : ''}.`,
    ...(warnings.length ? [style.yellow('Warnings:'), ...warnings.map((warning) => `  ${warning}`)] : []),
    ...(notes.length ? ['Notes:', ...notes.map((note) => `  ${note}`)] : []),
  ].join('\n');
}
