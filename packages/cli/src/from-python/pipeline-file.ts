// A pipeline as plain data, and the YAML that says the same.

import { stringify } from 'yaml';

/** One entry of `stages`. */
export interface StageEntry {
  readonly id: string;
  readonly type: string;
  readonly from?: string | readonly string[];
  readonly with?: Readonly<Record<string, unknown>>;
  readonly onError?: 'skip';
}

/** What a pipeline file holds. */
export interface PipelineFile {
  readonly name: string;
  readonly output: string;
  readonly stages: readonly StageEntry[];
}

/** The text of a pipeline file; options that are `undefined` are left out. */
export const pipelineYaml = (file: PipelineFile): string => stringify(literal(file), { lineWidth: 0 });

/** Texts as they are: a file fills environment variables in, a command line has been through a shell. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', '$${');
  if (Array.isArray(value)) return value.map(literal);
  return value !== null && typeof value === 'object'
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== undefined)
          .map(([name, inner]) => [name, literal(inner)]),
      )
    : value;
}
