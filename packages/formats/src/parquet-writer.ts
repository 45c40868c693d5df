// Writes Parquet files, one row group after another.

/** A column of a table, and what its cells are. */
export interface ParquetColumn {
  readonly name: string;
  /**
   * `text`: a string; `whole`: a whole number, of 64 bits; `number`: a double; `float`: a number in 32 bits; `time`:
   * microseconds since 1970, a bigint; `bytes`: a Uint8Array; `floats`: a list of numbers in 32 bits; `box`: a record
   * of the doubles xmin, ymin, xmax, ymax.
   */
  readonly type: keyof typeof elements;
  /** No cell is `null`. */
  readonly required?: boolean;
}

/** A Parquet file on its way. */
export interface ParquetWriter {
  /** Writes rows as one group: the cells of each column. */
  write(cells: readonly (readonly unknown[])[]): Promise<void>;
  /** Writes what is read first, with texts about the whole by name. */
  end(metadata?: Readonly<Record<string, string>>): Promise<void>;
}

interface Element {
  readonly name: string;
  readonly repetition_type: 'REQUIRED' | 'OPTIONAL' | 'REPEATED';
}

const elements = {
  text: (of: Element) => [{ ...of, type: 'BYTE_ARRAY', converted_type: 'UTF8' }],
  whole: (of: Element) => [{ ...of, type: 'INT64' }],
  number: (of: Element) => [{ ...of, type: 'DOUBLE' }],
  float: (of: Element) => [{ ...of, type: 'FLOAT' }],
  time: (of: Element) => [{ ...of, type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }],
  bytes: (of: Element) => [{ ...of, type: 'BYTE_ARRAY' }],
  floats: (of: Element) => [
    { ...of, converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  ],
  box: (of: Element) => [
    { ...of, num_children: 4 },
    ...['xmin', 'ymin', 'xmax', 'ymax'].map((name) => ({ name, type: 'DOUBLE', repetition_type: 'REQUIRED' })),
  ],
} as const;

/**
 * An index of pages for each column and group would grow with the table; floats hardly get smaller by dictionaries and
 * Snappy, which take most of the time.
 */
const plain = { offsetIndex: false, encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false } as const;
const ways = { float: plain, floats: plain, bytes: { offsetIndex: false, statistics: false } } as const;

/** Starts a file; `append` is given its bytes, a group at a time. Needs `hyparquet-writer`, which it loads. */
export async function writeParquet(
  append: (bytes: Uint8Array) => Promise<void>,
  columns: readonly ParquetColumn[],
): Promise<ParquetWriter> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const writer = new ByteWriter();
  const texts: { key: string; value: string }[] = [];
  type Options = ConstructorParameters<typeof ParquetWriter>[0];
  const parquet = new ParquetWriter({
    writer,
    createdBy: 'deepearth',
    kvMetadata: texts,
    schema: [
      { name: 'root', num_children: columns.length },
      ...columns.flatMap(({ name, type, required }) =>
        elements[type]({ name, repetition_type: required ? 'REQUIRED' : 'OPTIONAL' }),
      ),
    ] as Options['schema'],
  });
  const handOn = async (): Promise<void> => {
    await append(writer.getBytes().slice());
    writer.index = 0;
  };

  return {
    async write(cells) {
      const columnData = columns.map(({ name, type }, index) => ({
        name,
        ...(type in ways ? ways[type as keyof typeof ways] : { offsetIndex: false }),
        data: cells[index] as unknown[],
      }));
      await parquet.write({ columnData, rowGroupSize: cells[0]?.length ?? 0 });
      await handOn();
    },
    async end(metadata = {}) {
      texts.push(...Object.entries(metadata).map(([key, value]) => ({ key, value })));
      await parquet.finish();
      await handOn();
    },
  };
}
