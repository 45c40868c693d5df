// Writes docs/stages.md from the stages themselves: node tools/stage-reference.mjs

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { optionsSchema } from '@deepearth/runtime/schema';
import { optionRows } from '@deepearth/cli/options-table';
import { builtinStages } from '@deepearth/cli/registry';

export const referenceFile = new URL('../docs/stages.md', import.meta.url);

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text) => (text === '' ? '' : `\`${cell(text)}\``);

/** The text of docs/stages.md. */
export async function stageReference() {
  const registry = builtinStages();
  const kinds = new Map();
  for (const type of registry.types) {
    const definition = await registry.load(type);
    kinds.set(definition.kind, [...(kinds.get(definition.kind) ?? []), definition]);
  }
  const anchor = (type) => type.replace('/', '');
  const contents = [...kinds].map(
    ([kind, stages]) =>
      `- **${kind}**: ${stages.map(({ type }) => `[${type.split('/')[1]}](#${anchor(type)})`).join(', ')}`,
  );
  const chapters = [...kinds].flatMap(([kind, stages]) => [`## ${kind}`, ...stages.flatMap(chapter)]);
  return `${['# Stages', '', '<!-- Written by tools/stage-reference.mjs; do not edit. -->', 'Every stage that comes with the system, its options and examples. `npx deepearth stages TYPE` prints the same.', '', ...contents, '', chapters.join('\n\n')].join('\n')}\n`;
}

function chapter(definition) {
  const rows = optionRows(optionsSchema(definition));
  const table = rows.map(
    ({ name, preset, required, type, description }) =>
      `| \`${name}\` | ${required ? 'required' : code(preset)} | ${cell(type)} | ${cell(description)} |`,
  );
  return [
    `### ${definition.type}`,
    definition.summary,
    rows.length
      ? ['| option | default | takes | |', '| --- | --- | --- | --- |', ...table].join('\n')
      : 'It has no options.',
    ['```yaml', ...definition.examples.map((example) => example.trimEnd()), '```'].join('\n'),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(referenceFile, await stageReference());
}
