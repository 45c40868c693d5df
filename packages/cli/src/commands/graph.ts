// `deepearth graph`: the graph of a pipeline, for Mermaid, Graphviz or programs.

import { closest, ConfigError, DeepEarthError } from '@deepearth/core/errors';
import { toMermaid } from '@deepearth/core/mermaid';
import { plan, type Plan } from '@deepearth/core/plan';
import { formatSpec } from '@deepearth/core/specs';
import { exitCodes } from '../exit-codes.ts';
import { loadPipeline } from '../load-pipeline.ts';
import { planJson } from '../plan-json.ts';
import { print } from '../print.ts';

const formats: Readonly<Record<string, (plan: Plan) => string>> = {
  mermaid: (planned) => toMermaid(planned).trimEnd(),
  dot: toDot,
  json: (planned) => JSON.stringify(planJson(planned), null, 2),
};

export async function graphCommand(
  file: string,
  { set, format }: { readonly set?: readonly string[]; readonly format: string },
): Promise<number> {
  const write = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (!write) {
    const near = closest(format, Object.keys(formats));
    throw new DeepEarthError(`--format: there is no format ${JSON.stringify(format)}.`, {
      code: 'E_USAGE',
      remedy: near ? `Did you mean ${near}?` : `There are ${Object.keys(formats).join(', ')}.`,
    });
  }
  const { pipeline } = await loadPipeline(file, set);
  // The data need not be there to draw what is connected with what; where it is, sizes and counts are known.
  const planned = await plan(pipeline).catch((error: unknown) => {
    if (error instanceof ConfigError) throw error;
    return plan(pipeline, { survey: false });
  });
  print(write(planned));
  return exitCodes.done;
}

/** A digraph for Graphviz. */
export function toDot({ stages }: Plan): string {
  const text = (value: string): string => JSON.stringify(value).replaceAll('\\\\n', '\\n');
  const boxes = stages.map(
    ({ stage }) => `  ${text(stage.id)} [label=${text(`${stage.id}\\n${stage.definition.type}`)}];`,
  );
  const arrows = stages.flatMap(({ stage, description, consumers }) =>
    consumers.map((to) => `  ${text(stage.id)} -> ${text(to)} [label=${text(formatSpec(description.output))}];`),
  );
  return ['digraph pipeline {', '  rankdir=LR;', '  node [shape=box];', ...boxes, ...arrows, '}'].join('\n');
}
