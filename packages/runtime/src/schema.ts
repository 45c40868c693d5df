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

/**
 * JSON Schema (draft 7) of pipeline files. Stage types that are not registered (plugins) are allowed with any options.
 */
export async function pipelineSchema(registry: StageRegistry): Promise<Record<string, unknown>> {
  const entry = (z.toJSONSchema(stageEntrySchema, draft) as { properties: Record<string, Record<string, unknown>> })
    .properties;
  const definitions = await Promise.all(registry.types.map((type) => registry.load(type)));
  const stage = (
    type: Record<string, unknown>,
    options: Record<string, unknown>,
    required: boolean,
  ): Record<string, unknown> => ({
    type: 'object',
    properties: { id: entry.id, type, with: options, from: entry.from, onError: entry.onError },
    required: required ? ['type', 'with'] : ['type'],
    additionalProperties: false,
  });
  const known = definitions.map((definition) => {
    const options = withVariables(optionsSchema(definition)) as Record<string, unknown>;
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
  const top = (z.toJSONSchema(z.strictObject(pipelineSchemaParts), draft) as { properties: Record<string, unknown> })
    .properties;
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
  ) as Record<string, unknown>;
  if (inner.type !== 'number' && inner.type !== 'integer' && inner.type !== 'boolean') return inner;
  const { description, default: preset, ...rest } = inner;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, { type: 'string', pattern: '\\$\\{' }],
  };
}
