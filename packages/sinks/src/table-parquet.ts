// Tables as Parquet files, one row group after another.

import type { Layout, Row } from './table-rows.ts';
import type { TableContext, TableWriter } from './table-writer.ts';

/** Rows of a group: as many as keep its values within 8 MiB, at most this many. */
const mostRows = 8192;
const groupBytes = 8 << 20;

/**
 * An index of pages for each column and group would grow with the table; floats hardly get smaller by dictionaries and
 * Snappy, which take most of the time.
 */
const plain = { offsetIndex: false, encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false } as const;

const types = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  whole: { type: 'INT64' },
  number: { type: 'DOUBLE' },
} as const;

/** Values as a list of floats where they are one vector, else a column each. */
export async function parquetTable(path: string, layout: Layout, { output }: TableContext): Promise<TableWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const { columns, values, vector } = layout;
  const file = await output.writer({ path: `${path}.parquet`, mediaType: 'application/vnd.apache.parquet' });
  const writer = new ByteWriter();
  const lists = [
    { name: vector!, converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  ] as const;
  const parquet = new ParquetWriter({
    writer,
    createdBy: 'deepearth',
    schema: [
      { name: 'root', num_children: columns.length + (vector ? 1 : values.length) },
      ...columns.map(({ name, type }) => ({ name, ...types[type], repetition_type: 'OPTIONAL' }) as const),
      ...(vector ? lists : values.map((name) => ({ name, type: 'FLOAT', repetition_type: 'REQUIRED' }) as const)),
    ],
  });
  const groupRows = Math.max(1, Math.min(mostRows, Math.floor(groupBytes / (4 * values.length))));
  let rows: Row[] = [];

  const handOn = async (): Promise<void> => {
    await file.append(writer.getBytes().slice());
    writer.index = 0;
  };
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const cells = columns.map(({ name, type }, index) => ({
      name,
      offsetIndex: false,
      data: rows.map((row) => {
        const cell = row.cells[index]!;
        return type === 'whole' && cell !== null ? BigInt(cell) : cell;
      }),
    }));
    const numbers = vector
      ? [{ name: vector, ...plain, data: rows.map((row) => Array.from(row.values)) }]
      : values.map((name, index) => ({ name, ...plain, data: rows.map((row) => row.values[index]!) }));
    await parquet.write({ columnData: [...cells, ...numbers], rowGroupSize: rows.length });
    rows = [];
    await handOn();
  };

  return {
    async add(row) {
      rows.push(row);
      if (rows.length >= groupRows) await flush();
    },
    async end(about) {
      await flush();
      await parquet.finish();
      await handOn();
      return [await file.commit(about)];
    },
    discard: () => file.discard(),
  };
}
