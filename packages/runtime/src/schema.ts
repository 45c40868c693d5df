// JSON Schema of pipeline files, for editors: every registered stage with its options.

import { z } from 'zod';
import { pipelineSchemaParts, stageEntrySchema } from './config.ts';
import type { StageRegistry } from '@deepearth/core/registry';
import type { StageDefinition } from '@deepearth/core/stage';

type Json = Record<string, unknown>;

const draft = { target: 'draft-7', io: 'input', unrepresentable: 'any' } as const;

/** JSON Schema (draft 7) of a stage's options as a user writes them. */
export function optionsSchema(definition: StageDefinition): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(definition.options, draft) as Json;
  return schema;
}

/**
 * JSON Schema (draft 7) of pipeline files. Stage types that are not registered (plugins) are allowed with any options.
 */
export async function pipelineSchema(registry: StageRegistry): Promise<Json> {
  const entry = (z.toJSONSchema(stageEntrySchema, draft) as { properties: Record<string, Json> }).properties;
  const definitions = await Promise.all(registry.types.map((type) => registry.load(type)));
  const stage = (type: Json, options: Json, required: boolean): Json => ({
    type: 'object',
    properties: { id: entry.id, type, with: options, from: entry.from, onError: entry.onError },
    required: required ? ['type', 'with'] : ['type'],
    additionalProperties: false,
  });
  const known = definitions.map((definition) => {
    const options = withVariables(optionsSchema(definition)) as Json;
    return stage(
      { const: definition.type, description: definition.summary },
      options,
      Array.isArray(options.required) && options.required.length > 0,
    );
  });
  const others = stage(
    { type: 'string', pattern: '^[a-z]+/', not: { enum: registry.types } },
    { type: 'object' },
    false,
  );
  const top = (z.toJSONSchema(z.strictObject(pipelineSchemaParts), draft) as { properties: Json }).properties;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'DeepEarth Streams pipeline',
    type: 'object',
    properties: { ...top, stages: { type: 'array', minItems: 1, items: { anyOf: [...known, others] } } },
    required: ['stages'],
    additionalProperties: false,
  };
}

/** Numbers and booleans may also be written as `${VAR:-default}`. */
function withVariables(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withVariables);
  if (schema === null || typeof schema !== 'object') return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'default' || key === 'enum' || key === 'const' ? value : withVariables(value),
    ]),
  ) as Json;
  if (inner.type !== 'number' && inner.type !== 'integer' && inner.type !== 'boolean') return inner;
  const { description, default: preset, ...rest } = inner;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, { type: 'string', pattern: '\\$\\{' }],
  };
}
