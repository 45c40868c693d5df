// The options of a stage as rows of a table, read from its JSON Schema.

export type Json = { readonly [name: string]: unknown };

export interface OptionRow {
  /** `size`, or `frames.pattern` inside a nested object. */
  readonly name: string;
  readonly type: string;
  /** As YAML would say it; empty where there is none. */
  readonly preset: string;
  readonly required: boolean;
  readonly description: string;
}

const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Rows in the order of the schema; the fields of nested objects follow their object. */
export function optionRows(schema: Json, prefix = ''): OptionRow[] {
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const variants = [schema, ...list(schema.anyOf), ...list(schema.oneOf), ...list(schema.allOf)];
  const seen = new Set<string>();
  return variants.flatMap((variant) =>
    Object.entries(isObject(variant.properties) ? variant.properties : {}).flatMap(([name, value]) => {
      if (!isObject(value) || seen.has(name)) return [];
      seen.add(name);
      const path = prefix ? `${prefix}.${name}` : name;
      const needed = required.includes(name) && value.default === undefined;
      const row: OptionRow = {
        name: path,
        type: typeText(value),
        preset: value.default === undefined ? '' : JSON.stringify(value.default),
        required: needed,
        description: typeof value.description === 'string' ? value.description : '',
      };
      return [row, ...optionRows(value, path)];
    }),
  );
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** `whole number ≥ 1`, `fail | skip`, `list of text`. */
export function typeText(schema: Json): string {
  if (schema.const !== undefined) return String(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(String).join(' | ');
  const variants = [...list(schema.anyOf), ...list(schema.oneOf)];
  if (variants.length) return [...new Set(variants.map(typeText))].join(' or ');
  switch (schema.type) {
    case 'integer':
      return `whole number${limits(schema)}`;
    case 'number':
      return `number${limits(schema)}`;
    case 'string':
      return 'text';
    case 'boolean':
      return 'true | false';
    case 'null':
      return 'null';
    case 'array': {
      if (Array.isArray(schema.items) || Array.isArray(schema.prefixItems))
        return `[${list(schema.items ?? schema.prefixItems)
          .map(typeText)
          .join(', ')}]`;
      return `list of ${isObject(schema.items) ? typeText(schema.items) : 'anything'}`;
    }
    case 'object':
      return 'map';
    default:
      return 'anything';
  }
}

function limits({ minimum, maximum, exclusiveMinimum }: Json): string {
  const whole = (value: unknown): value is number =>
    typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  const least = whole(exclusiveMinimum) ? ` > ${exclusiveMinimum}` : whole(minimum) ? ` ≥ ${minimum}` : '';
  const most = whole(maximum) ? `${least ? ',' : ''} ≤ ${maximum}` : '';
  return least + most;
}
