// Writes docs/stages.md from the stages themselves: node tools/stage-reference.mjs

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describeAlone } from '@deepearth/core/run-stage';
import { spec } from '@deepearth/core/specs';
import { optionsSchema } from '@deepearth/runtime/schema';
import { optionRows } from '@deepearth/cli/options-table';
import { builtinStages } from '@deepearth/cli/registry';

export const referenceFile = new URL('../docs/stages.md', import.meta.url);

const { parse } = createRequire(new URL('../packages/runtime/package.json', import.meta.url))('yaml');

/** One spec of each kind and shape that travels between stages; sizes are those of ordinary frames and models. */
const typical = [
  spec('frame', { height: 480, width: 640, channels: 3 }, 'uint8', 32),
  spec('clip', { time: 16, height: 480, width: 640, channels: 3 }, 'uint8', 2),
  spec('tokens', { time: 8, height: 24, width: 24, channels: 1024 }, 'float32', 2),
  spec('tokens', { token: 77, channels: 512 }, 'float32', 2),
  spec('embedding', { channels: 1024 }, 'float32', 2),
  spec('projection', { time: 8, height: 24, width: 24, components: 3 }, 'float32', 2),
  spec('projection', { token: 77, components: 3 }, 'float32', 2),
  spec('picture', { height: 480, width: 640, channels: 3 }, 'uint8', 32),
  spec('artifact', {}, null, 2),
];

const shape = ({ kind, axes }) => `\`${kind}${axes.length ? ` [${axes.map(({ name }) => name).join(', ')}]` : ''}\``;

/** The spec that leaves a stage, `undefined` when it refuses: with its defaults, or the options of an example. */
async function leaving(definition, inputs) {
  const examples = definition.examples.flatMap((example) => parse(example)).map((stage) => stage.with);
  let accepted = false;
  for (const options of [undefined, ...examples]) {
    try {
      const description = await describeAlone(definition, { options, inputs, survey: false });
      // One of several options may be required.
      if (!('refused' in description)) return description.output;
      accepted = true;
    } catch (error) {
      // A required option is missing: the next example may have it.
      if (error.code !== 'E_CONFIG') throw error;
    }
  }
  if (accepted) return undefined;
  throw new Error(`${definition.type} has no example with all options that are required`);
}

/** What a stage takes and gives, as `describe` says: one line for each output, with all inputs that lead to it. */
async function takesAndGives(definition) {
  if (definition.kind === 'source') return `Gives ${shape(await leaving(definition, []))}.`;
  const inputs = new Map();
  for (const input of typical) {
    const output = await leaving(definition, [input]);
    if (output) inputs.set(shape(output), [...(inputs.get(shape(output)) ?? []), shape(input)]);
  }
  if (inputs.size === 0) throw new Error(`${definition.type} takes none of the typical inputs`);
  return [...inputs].map(([output, from]) => `Takes ${from.join(' or ')}, gives ${output}.`).join('\\\n');
}

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
  const chapters = [];
  for (const [kind, stages] of kinds) {
    chapters.push(`## ${kind}`);
    for (const stage of stages) chapters.push(...(await chapter(stage)));
  }
  return `${['# Stages', '', '<!-- Written by tools/stage-reference.mjs; do not edit. -->', 'Every stage that comes with the system: what it takes and gives (with ordinary options; kind and axes), its options and examples. `npx deepearth stages TYPE` prints the same.', '', ...contents, '', chapters.join('\n\n')].join('\n')}\n`;
}

async function chapter(definition) {
  const rows = optionRows(optionsSchema(definition));
  const table = rows.map(
    ({ name, preset, required, type, description }) =>
      `| \`${name}\` | ${required ? 'required' : code(preset)} | ${cell(type)} | ${cell(description)} |`,
  );
  return [
    `### ${definition.type}`,
    definition.summary,
    await takesAndGives(definition),
    rows.length
      ? ['| option | default | takes | |', '| --- | --- | --- | --- |', ...table].join('\n')
      : 'It has no options.',
    ['```yaml', ...definition.examples.map((example) => example.trimEnd()), '```'].join('\n'),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(referenceFile, await stageReference());
}
