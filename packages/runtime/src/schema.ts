// JSON Schema of pipeline files, for editors: every registered stage with its options.

import { z } from 'zod';
import { pipelineSchemaParts, stageEntrySchema } from './config.ts';
import type { StageRegistry } from '@deepearth/core/registry';
import type { StageDefinition } from '@deepearth/core/stage';

const draft = { target: 'draft-7', io: 'input', unrepresentable: 'any' } as const;

/** JSON Schema (draft 7) of a stage's options as a user writes them. */
export function optionsSchema(definition: StageDefinition): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(definition.options, draft) as Record<string, unknown>;
  return schema;
}

type Schema = Readonly<Record<string, unknown>>;

/**
 * JSON Schema (draft 7) of pipeline files. A stage's type chooses what its options are checked against, so that an
 * editor shows the mistakes of that stage alone. Types that are not registered are refused, unless the file names
 * plugins.
 */
export async function pipelineSchema(registry: StageRegistry): Promise<Record<string, unknown>> {
  const entry = (z.toJSONSchema(stageEntrySchema, draft) as { properties: Record<string, Schema> }).properties;
  const definitions = await Promise.all(registry.types.map((type) => registry.load(type)));
  const top = (z.toJSONSchema(z.strictObject(pipelineSchemaParts), draft) as { properties: Schema }).properties;
  const typeOfEach = (type: Schema): Schema => ({
    properties: { stages: { items: { properties: { type } } } },
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'DeepEarth Streams pipeline',
    type: 'object',
    properties: {
      ...top,
      stages: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            id: entry.id,
            type: { type: 'string', description: entry.type?.description },
            with: { type: ['object', 'null'], description: entry.with?.description },
            from: decided(entry.from),
            onError: decided(entry.onError),
          },
          required: ['type'],
          additionalProperties: false,
          allOf: definitions.map(rulesOf),
        },
      },
    },
    patternProperties: { '^x-': {} },
    required: ['stages'],
    additionalProperties: false,
    if: { required: ['plugins'] },
    then: typeOfEach({ pattern: '^[a-z]+/.' }),
    else: typeOfEach({ enum: registry.types }),
  };
}

/** What holds for entries of one stage type. */
function rulesOf(definition: StageDefinition): Schema {
  const options = decided(optionsSchema(definition)) as Schema;
  const needed = Array.isArray(options.required) && options.required.length > 0;
  return {
    if: { properties: { type: { const: definition.type } }, required: ['type'] },
    then: {
      properties: {
        type: { description: definition.summary },
        with: needed ? options : { ...options, type: ['object', 'null'] },
      },
      ...(needed && { required: ['with'] }),
    },
  };
}

const variable = { type: 'string', pattern: '\\$\\{' } as const;

/**
 * The schema with every choice decided by the type of the value, so that a mistake is told once and not for every
 * alternative; and with `${VAR}` in the place of any number, boolean or word of a list.
 */
function decided(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(decided);
  if (schema === null || typeof schema !== 'object') return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, kept.has(key) ? value : decided(value)]),
  ) as Record<string, unknown>;
  if (!('anyOf' in schema)) return orVariable(inner);
  const { anyOf, ...rest } = schema as { anyOf: readonly Schema[] };
  const types = anyOf.map(({ type }) => type);
  if (!types.every((type) => typeof type === 'string') || new Set(types.map(family)).size < types.length)
    return { ...rest, anyOf: anyOf.map(decided) };
  const branches = anyOf.map((branch) => ({
    if: { type: family(branch.type) },
    then: inside(branch),
  }));
  const choice = { type: [...new Set(types.map(family))], allOf: branches };
  return { ...rest, ...(types.includes('string') ? choice : { if: variable, else: choice }) };
}

/** An integer is a number that is whole: both are chosen as numbers. */
const family = (type: unknown): unknown => (type === 'integer' ? 'number' : type);

/** A branch of a choice, which takes variables as a whole. */
const inside = (branch: Schema): unknown => (scalar(branch) ? branch : decided(branch));

const kept: ReadonlySet<string> = new Set(['default', 'enum', 'const', 'required', 'anyOf', 'description']);

const scalar = ({ type, enum: words }: Schema): boolean =>
  type === 'number' || type === 'integer' || type === 'boolean' || Array.isArray(words);

function orVariable(schema: Schema): Schema {
  if (!scalar(schema)) return schema;
  const { description, default: preset, ...rest } = schema;
  return {
    ...(description !== undefined && { description }),
    ...(preset !== undefined && { default: preset }),
    if: variable,
    else: rest,
  };
}
