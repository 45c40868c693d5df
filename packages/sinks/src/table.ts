// Writes embeddings or projections of a whole run as one table.

import {
  axesKnown,
  axisSize,
  defineSink,
  isRefusal,
  lineage,
  oneStream,
  refuse,
  spec,
  type Artifact,
  type ArtifactAbout,
  type Embedding,
  type Projection,
  type StreamSpec,
  outputPath,
} from '@deepearth/core';
import { z } from 'zod';
import { rowMaker, type RowMaker } from './table-rows.ts';
import type { TableWriter } from './table-writer.ts';
import { tableFormats } from './table-writers.ts';

/** Options of `sink/table`. */
export const tableOptions = z.strictObject({
  format: z
    .enum(['csv', 'parquet', 'npy'])
    .default('csv')
    .describe(
      'csv opens anywhere; parquet is small, typed and quick to query, embeddings as one column of lists; npy holds the numbers alone, with a CSV of the rows’ names beside it.',
    ),
  name: outputPath()
    .optional()
    .describe(
      'Name of the file inside the output folder, without ending. Default: "embeddings", the name of the reducer ("umap"), or, for clusters per frame, "kmeans-shares"; the id of the stage where another stage would write the same name.',
    ),
});

/** The endings of what a format writes: beside numbers alone stand the names of their rows. */
const endingsOf = (format: 'csv' | 'parquet' | 'npy'): readonly string[] =>
  format === 'npy' ? ['csv', 'npy'] : [format];

/** Bytes of the names of a row (two paths, two moments, an id), of one value, and of what belongs to no row. */
const sizes = {
  csv: { row: 512, value: 16, file: 4096 },
  parquet: { row: 512, value: 5, file: 8192 },
  npy: { row: 512, value: 4, file: 4096 },
} as const;

/** What a table of one row for each item takes, about; how many columns clusters become is not known before. */
function bytesOf(input: StreamSpec, format: keyof typeof sizes): number | undefined {
  const many = input.kind === 'projection' && input.axes.length > 1;
  const values = input.axes.reduce<number | null>(
    (all, { size }) => (all === null || size === null ? null : all * size),
    1,
  );
  if (!axesKnown(input) || many || values === null || input.count === null) return undefined;
  const { row, value, file } = sizes[format];
  return file + values * 32 + input.count * (row + values * value);
}

/** The stage `sink/table`. */
export const table = defineSink({
  type: 'table',
  summary:
    'Writes one table of a whole run: a row per embedding or projected embedding, or per frame with the share of each cluster.',
  options: tableOptions,
  joins: 'merged',
  examples: ['- type: sink/table', '- type: sink/table\n  with: { format: parquet, name: clips }'],

  describe(_, { options: { format, name }, inputs, ownName }) {
    const input = oneStream(inputs);
    if (input && isRefusal(input)) return input;
    if (input?.kind !== 'embedding' && input?.kind !== 'projection')
      return refuse(`sink/table takes embeddings or projections, not ${input?.kind ?? 'nothing'}.`, {
        remedy:
          input?.kind === 'tokens'
            ? 'Put an aggregator between, aggregator/mean; sink/features writes tokens.'
            : 'Put it behind an aggregator or a reducer.',
      });
    const components = axisSize(input, 'components');
    if (input.kind === 'projection' && axesKnown(input) && input.axes.length > 1 && (components ?? 1) > 1)
      return refuse(
        `a table has one row for each item, and these have ${components} coordinates for each of many tokens.`,
        { remedy: 'Put an aggregator before the reducer for one row per clip; sink/features writes whole grids.' },
      );
    const bytes = bytesOf(input, format);
    const usual = input.kind === 'projection' ? (input.names ?? ['<reducer>']) : ['embeddings'];
    return {
      output: spec('artifact', {}, null, format === 'npy' ? 2 : 1),
      drains: true,
      ...(bytes !== undefined && { diskBytes: bytes }),
      // The names of clusters per frame end in "-shares", which the kind of their reducer does not tell yet.
      files: {
        option: 'name',
        paths: usual.flatMap((each) =>
          endingsOf(format).map((ending) => ({ path: `${name ?? ownName ?? each}.${ending}` })),
        ),
      },
    };
  },

  async *process(items: AsyncIterable<Embedding | Projection>, context): AsyncGenerator<Artifact> {
    const { options, ownName, log, signal, attempt, key } = context;
    let rows: RowMaker | undefined;
    let writer: TableWriter | undefined;
    let content = '';
    let about: Pick<ArtifactAbout, 'kind' | 'reducer'> | undefined;
    let count = 0;
    try {
      for await (const item of items) {
        signal.throwIfAborted();
        const made = await attempt(item, () => {
          rows ??= rowMaker(item);
          return rows.rowsOf(item);
        });
        if (!made) continue;
        const { layout } = rows!;
        about ??= { kind: item.kind, ...(item.kind === 'projection' && { reducer: item.reducer }) };
        count += made.length;
        content = lineage(content, item.key);
        writer ??= await tableFormats[options.format](options.name ?? ownName ?? layout.name, layout, context);
        for (const row of made) await writer.add(row);
      }
      if (!writer) return log.warn('nothing came in, so no table is written');
      const axes = { row: count, ...rows!.layout.axes };
      yield* await writer.end({ key: key(content), about: { ...about!, axes, dtype: 'float32' } });
    } finally {
      await writer?.discard();
    }
  },
});
