// One file of a table of tokens: rows in groups, then what is said of the whole.

import type { Artifact, ArtifactFile, StageOutput } from '@deepearth/core';
import { writeParquet, type ParquetColumn } from '@deepearth/formats/parquet-writer';
import { geoMetadata, noBounds, widen } from './geo-metadata.ts';
import type { Footprint } from './footprints.ts';

/** Rows of a group: as many as keep its values within 4 MiB, at most this many. */
const mostRows = 8192;
const groupBytes = 4 << 20;

/** A file on its way. */
export interface PlaceFile {
  add(cells: readonly unknown[], footprint: Footprint | undefined, type: string | undefined): Promise<void>;
  /** Writes the rows that wait, so that those of another file may. */
  flush(): Promise<void>;
  end(file: Pick<ArtifactFile, 'key' | 'about'>, metadata: Readonly<Record<string, string>>): Promise<Artifact>;
  discard(): Promise<void>;
}

/** Opens a file of geometries in one coordinate system; rows have `numbers` of values. */
export async function placeFile(
  path: string,
  crs: string | undefined,
  columns: readonly ParquetColumn[],
  numbers: number,
  output: StageOutput,
): Promise<PlaceFile> {
  const file = await output.writer({ path, mediaType: 'application/vnd.apache.parquet' });
  const parquet = await writeParquet((bytes) => file.append(bytes), columns);
  const groupRows = Math.max(1, Math.min(mostRows, Math.floor(groupBytes / (4 * numbers))));
  const bounds = noBounds();
  const types = new Set<string>();
  let waiting: unknown[][] = columns.map(() => []);

  const flush = async (): Promise<void> => {
    if (waiting[0]!.length === 0) return;
    await parquet.write(waiting);
    waiting = columns.map(() => []);
  };
  return {
    async add(cells, footprint, type) {
      for (const [index, cell] of cells.entries()) waiting[index]!.push(cell);
      if (footprint) widen(bounds, footprint);
      if (type !== undefined) types.add(type);
      if (waiting[0]!.length >= groupRows) await flush();
    },
    flush,
    async end(about, metadata) {
      await flush();
      await parquet.end({ geo: geoMetadata(crs, [...types], bounds), ...metadata });
      return file.commit(about);
    },
    discard: () => file.discard(),
  };
}
