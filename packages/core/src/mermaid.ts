// Draws a plan as a Mermaid flowchart.

import type { Plan } from './plan.ts';
import { formatSpec } from './specs.ts';

const quote = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`;

/** A flowchart with a box per stage and what travels on every arrow. */
export function toMermaid({ stages }: Plan): string {
  const boxes = stages.map(({ stage }) => `  ${stage.id}[${quote(`${stage.id}<br/>${stage.definition.type}`)}]`);
  const arrows = stages.flatMap(({ stage, description, consumers }) =>
    consumers.map((consumer) => `  ${stage.id} -->|${quote(formatSpec(description.output))}| ${consumer}`),
  );
  return ['flowchart LR', ...boxes, ...arrows, ''].join('\n');
}
