// Laws about the metadata of a stage: names, summary, options, examples.

import { stageKinds } from '@deepearth/core/stage';
import { parse } from 'yaml';
import { z } from 'zod';
import type { AnyStage, Check } from './subject.ts';

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: unknown;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

const schemaOf = (stage: AnyStage): JsonSchema => z.toJSONSchema(stage.options, { io: 'input' }) as JsonSchema;

export const metadataChecks: readonly Check[] = [
  {
    title: 'has a type of the form kind/name and a summary of one sentence',
    async find(stage) {
      const { kind, type, summary } = stage;
      return [
        ...(stageKinds.includes(kind)
          ? []
          : [`its kind is ${JSON.stringify(kind)}; kinds are ${stageKinds.join(', ')}`]),
        ...(type.split('/')[0] === kind ? [] : [`its type ${type} does not begin with its kind ${kind}`]),
        ...(/^[a-z]+\/[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type)
          ? []
          : [`its type ${JSON.stringify(type)} is not kind/name in lower case with hyphens`]),
        ...(/^[A-Z][^\n]*\.$/.test(summary)
          ? []
          : [
              `its summary does not begin with a capital and end with a full stop, on one line: ${JSON.stringify(summary)}`,
            ]),
        ...(/[.!?]\s+[A-Z]/.test(summary) ? [`its summary is more than one sentence: ${JSON.stringify(summary)}`] : []),
      ];
    },
  },
  {
    title: 'has strict options, each with a camelCase name and a description, that say themselves as JSON Schema',
    async find(stage) {
      let schema: JsonSchema;
      try {
        schema = schemaOf(stage);
      } catch (error) {
        return [`its options cannot be said as JSON Schema: ${String(error)}`];
      }
      if (schema.type !== 'object') return [`its options are no object but ${JSON.stringify(schema.type)}`];
      return describedProblems(schema, '');
    },
  },
  {
    title: 'names in `reads` options that it has, if it is a source',
    async find(stage) {
      const { kind, reads = [] } = stage;
      if (reads.length > 0 && kind !== 'source') return [`it is a ${kind}, and only a source has \`reads\``];
      const known = Object.keys(schemaOf(stage).properties ?? {});
      return reads.filter((name) => !known.includes(name)).map((name) => `\`reads\` names ${name}, which is no option`);
    },
  },
  {
    title: 'names in `placement` options that it has',
    async find(stage) {
      const known = Object.keys(schemaOf(stage).properties ?? {});
      return (stage.placement ?? [])
        .filter((name) => !known.includes(name))
        .map((name) => `\`placement\` names ${name}, which is no option`);
    },
  },
  {
    title: 'refuses an option it does not have',
    async find(stage, subject) {
      const parsed = stage.options.safeParse({ ...(subject.options ?? {}), noSuchOption: 1 });
      return parsed.success ? ['it takes an option called noSuchOption; use z.strictObject'] : [];
    },
  },
  {
    title: 'fills in defaults that are plain JSON and mean the same when they are read again',
    async find(stage, subject) {
      const parsed = stage.options.safeParse(subject.options ?? {});
      if (!parsed.success) return [`its options do not parse: ${parsed.error.message}`];
      const text = JSON.stringify(parsed.data);
      const again = stage.options.safeParse(JSON.parse(text));
      if (!again.success) return [`its options, resolved, do not parse again: ${again.error.message}`];
      return JSON.stringify(again.data) === text
        ? []
        : [`its options change when they are read again: ${text} becomes ${JSON.stringify(again.data)}`];
    },
  },
  {
    title: 'has examples that are entries of a pipeline, with options that parse',
    find: async (stage) =>
      stage.examples.length ? stage.examples.flatMap((text) => exampleProblems(stage, text)) : ['it has no examples'],
  },
];

function describedProblems(schema: JsonSchema, path: string): string[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap(
    (part) => describedProblems(part, path),
  );
  if (!schema.properties) return inner;
  const open =
    schema.additionalProperties === false ? [] : [`${path || 'the options'} take unknown names; use z.strictObject`];
  const own = Object.entries(schema.properties).flatMap(([name, property]) => {
    const full = path ? `${path}.${name}` : name;
    return [
      ...(/^[a-z][a-zA-Z0-9]*$/.test(name) ? [] : [`the option ${full} is not camelCase`]),
      ...(property.description?.trim() ? [] : [`the option ${full} has no description`]),
      ...describedProblems(property, full),
    ];
  });
  return [...inner, ...open, ...own];
}

const entryKeys = ['id', 'type', 'with', 'from', 'onError'];

function exampleProblems(stage: AnyStage, text: string): string[] {
  const at = `the example ${JSON.stringify(text)}`;
  let entries: unknown;
  try {
    entries = parse(text);
  } catch (error) {
    return [`${at} is no YAML: ${String(error)}`];
  }
  if (!Array.isArray(entries)) return [`${at} is no list; it begins with "- type: ${stage.type}"`];
  const problems: string[] = [];
  let own = 0;
  for (const entry of entries as unknown[]) {
    if (typeof entry !== 'object' || entry === null || typeof (entry as { type?: unknown }).type !== 'string') {
      problems.push(`${at} has an entry without a type; the form is "- type: ${stage.type}" and "  with: { … }"`);
      continue;
    }
    const { type, with: options, ...rest } = entry as { type: string; with?: unknown };
    const foreign = Object.keys(rest).filter((key) => !entryKeys.includes(key));
    if (foreign.length) problems.push(`${at} has ${foreign.join(', ')}; an entry has ${entryKeys.join(', ')}`);
    if (type !== stage.type) continue;
    own += 1;
    const parsed = stage.options.safeParse(options ?? {});
    if (!parsed.success) problems.push(`${at} has options that do not parse: ${parsed.error.message}`);
  }
  if (!own && !problems.length) problems.push(`${at} does not use ${stage.type}`);
  return problems;
}
