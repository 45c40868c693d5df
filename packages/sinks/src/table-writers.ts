// Tables as files: row by row, so that memory does not grow with them.

import { scratchPieces } from '@deepearth/core/scratch-pieces';
import type { Layout } from './table-rows.ts';
import type { OpenTable, TableContext, TableWriter } from './table-writer.ts';

export const tableFormats: Readonly<Record<'csv' | 'parquet' | 'npy', OpenTable>> = {
  csv: (path, layout, context) => csvTable(path, layout, context, true),
  npy: npyTable,
  parquet: async (...args) => (await import('./table-parquet.ts')).parquetTable(...args),
};

/** How much text waits before it is written. */
const bufferBytes = 1 << 18;

/** RFC 4180, with a line feed at the end of each line; a number that is not there is an empty field. */
async function csvTable(
  path: string,
  { columns, values }: Layout,
  { output }: TableContext,
  withValues: boolean,
): Promise<TableWriter> {
  const file = await output.writer({ path: `${path}.csv`, mediaType: 'text/csv' });
  const encoder = new TextEncoder();
  const line = (fields: readonly string[]): string => `${fields.join(',')}\n`;
  let waiting = line([...columns.map(({ name }) => name), ...(withValues ? values : [])].map(quoted));
  const flush = async (): Promise<void> => {
    await file.append(encoder.encode(waiting));
    waiting = '';
  };
  return {
    async add(row) {
      const cells = row.cells.map((cell) => (cell === null ? '' : quoted(String(cell))));
      waiting += line(withValues ? [...cells, ...Array.from(row.values, written)] : cells);
      if (waiting.length >= bufferBytes) await flush();
    },
    async end(about) {
      await flush();
      return [await file.commit(about)];
    },
    discard: () => file.discard(),
  };
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** Nine digits bring every float32 back. */
const written = (value: number): string => (Number.isNaN(value) ? '' : String(Number(value.toPrecision(9))));

/**
 * The numbers as `[rows, …axes]`, which wait on disk until their count is known, and the rows' names in a CSV beside
 * them.
 */
async function npyTable(path: string, layout: Layout, context: TableContext): Promise<TableWriter> {
  const { writeNpy } = await import('@deepearth/formats/npy');
  const names = await csvTable(path, layout, context, false);
  const scratch = await context.scratch('rows');
  let rows = 0;
  return {
    async add(row) {
      await names.add(row);
      const { buffer, byteOffset, byteLength } = row.values;
      await scratch.append(new Uint8Array(buffer, byteOffset, byteLength));
      rows++;
    },
    async end(about) {
      const numbers = await context.output.write(
        { path: `${path}.npy`, mediaType: 'application/x-npy', ...about },
        writeNpy('float32', [rows, ...Object.values(layout.axes)], scratchPieces(scratch, scratch.length)),
      );
      return [numbers, ...(await names.end(about))];
    },
    discard: () => names.discard(),
  };
}
