// `deepearth stages`: what a pipeline can be made of.

import { resolve } from 'node:path';
import { closest, DeepEarthError } from '@deepearth/core/errors';
import { withPlugin } from '@deepearth/runtime/plugins';
import type { StageRegistry } from '@deepearth/core/registry';
import { optionsSchema } from '@deepearth/runtime/schema';
import { stageKinds, type StageDefinition } from '@deepearth/core/stage';
import { exitCodes } from '../exit-codes.ts';
import { formatTable, wrap } from '../format.ts';
import { optionRows } from '../options-table.ts';
import { print, printJson } from '../print.ts';
import { builtinStages } from '../registry.ts';
import { plainStyle, styleOf, type Style } from '../style.ts';

export interface StagesFlags {
  readonly plugin?: readonly string[];
  readonly json?: boolean;
}

/** All built-in stages and those of the plugins that the command line names, relative to the working directory. */
export async function stagesWith(plugins: readonly string[] = []): Promise<StageRegistry> {
  let registry = builtinStages();
  for (const module of plugins)
    registry = await withPlugin(registry, { module, override: true }, resolve('pipeline.yaml'));
  return registry;
}

export async function stagesCommand(name: string | undefined, { plugin, json }: StagesFlags): Promise<number> {
  const registry = await stagesWith(plugin);
  const style = styleOf(process.stdout);
  if (name !== undefined && !stageKinds.includes(name as never)) {
    const definition = await registry.load(typeNamed(name, registry.types));
    if (json) printJson(stageJson(definition));
    else print(stageText(definition, { width: process.stdout.columns || 100, style }));
    return exitCodes.done;
  }
  const types = registry.types.filter((type) => name === undefined || type.startsWith(`${name}/`));
  const definitions = await Promise.all(types.map((type) => registry.load(type)));
  if (json) printJson(definitions.map(stageJson));
  else print(listText(definitions, style, name === undefined));
  return exitCodes.done;
}

/** `umap` is enough where only one stage has that name. */
function typeNamed(name: string, types: readonly string[]): string {
  const named = types.filter((type) => type === name || type.split('/')[1] === name);
  if (named.length === 1) return named[0]!;
  if (named.length > 1)
    throw new DeepEarthError(`${JSON.stringify(name)} may be ${named.join(' or ')}.`, {
      code: 'E_USAGE',
      remedy: 'Name one of them.',
    });
  const near =
    closest(name, [...types, ...stageKinds]) ??
    types.find(
      (type) =>
        type.split('/')[1] ===
        closest(
          name,
          types.map((other) => other.split('/')[1]!),
        ),
    );
  throw new DeepEarthError(`there is no stage type ${JSON.stringify(name)}.`, {
    code: 'E_STAGE_UNKNOWN',
    remedy: near
      ? `Did you mean ${near}?`
      : '"deepearth stages" lists them; stages of your own come in through --plugin.',
  });
}

const stageJson = (definition: StageDefinition): unknown => ({
  type: definition.type,
  kind: definition.kind,
  summary: definition.summary,
  options: optionsSchema(definition),
  examples: definition.examples,
});

function listText(definitions: readonly StageDefinition[], style: Style, withHint: boolean): string {
  const kinds = stageKinds.filter((kind) => definitions.some((definition) => definition.kind === kind));
  const widest = Math.max(0, ...definitions.map(({ type }) => type.length));
  const blocks = kinds.map((kind) =>
    [
      style.bold(kind),
      ...definitions
        .filter((definition) => definition.kind === kind)
        .map(({ type, summary }) => `  ${type.padEnd(widest)}  ${summary}`),
    ].join('\n'),
  );
  return [...blocks, ...(withHint ? [style.dim('"deepearth stages TYPE" tells the options of one.')] : [])].join(
    '\n\n',
  );
}

/** Summary, options and examples of one stage. */
export function stageText(
  definition: StageDefinition,
  { width, style = plainStyle }: { width: number; style?: Style },
): string {
  const rows = optionRows(optionsSchema(definition));
  const table = formatTable(
    [{ title: 'option' }, { title: 'default' }, { title: 'takes' }],
    rows.map(({ name, preset, required, type }) => [name, required ? 'required' : preset, type]),
  ).split('\n');
  const options = rows.length
    ? [
        style.dim(`  ${table[0]!}`),
        ...rows.flatMap(({ description }, index) => [
          `  ${table[index + 1]!}`,
          ...(description ? wrap(description, Math.max(40, width - 8)).map((line) => style.dim(`      ${line}`)) : []),
        ]),
      ]
    : ['  It has no options.'];
  const examples = definition.examples.flatMap((example) => [
    ...example
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
  ]);
  return [
    `${style.bold(definition.type)}  ${definition.summary}`,
    '',
    style.bold('Options'),
    ...options,
    ...(examples.length ? ['', style.bold('Examples'), ...examples] : []),
  ]
    .join('\n')
    .trimEnd();
}
