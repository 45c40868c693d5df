// Tables as Parquet files.

import { writeParquet } from '@deepearth/formats/parquet-writer';
import type { Layout, Row } from './table-rows.ts';
import type { TableContext, TableWriter } from './table-writer.ts';

/** Rows of a group: as many as keep its values within 8 MiB, at most this many. */
const mostRows = 8192;
const groupBytes = 8 << 20;

/** Values as a list of floats where they are one vector, else a column each. */
export async function parquetTable(path: string, layout: Layout, { output }: TableContext): Promise<TableWriter> {
  const { columns, values, vector } = layout;
  const file = await output.writer({ path: `${path}.parquet`, mediaType: 'application/vnd.apache.parquet' });
  const parquet = await writeParquet(
    (bytes) => file.append(bytes),
    [
      ...columns,
      ...(vector
        ? [{ name: vector, type: 'floats', required: true } as const]
        : values.map((name) => ({ name, type: 'float', required: true }) as const)),
    ],
  );
  const groupRows = Math.max(1, Math.min(mostRows, Math.floor(groupBytes / (4 * values.length))));
  let rows: Row[] = [];

  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const cells = columns.map(({ type }, index) =>
      rows.map((row) => {
        const cell = row.cells[index]!;
        return type === 'whole' && cell !== null ? BigInt(cell) : cell;
      }),
    );
    const numbers = vector
      ? [rows.map((row) => Array.from(row.values))]
      : values.map((_, index) => rows.map((row) => row.values[index]!));
    await parquet.write([...cells, ...numbers]);
    rows = [];
  };

  return {
    async add(row) {
      rows.push(row);
      if (rows.length >= groupRows) await flush();
    },
    async end(about) {
      await flush();
      await parquet.end();
      return [await file.commit(about)];
    },
    discard: () => file.discard(),
  };
}
