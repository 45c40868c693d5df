// What writes a table, whatever its format.

import type { Artifact, ArtifactFile, StageContext } from '@deepearth/core';
import type { Layout, Row } from './table-rows.ts';

/** A table on its way into a file. */
export interface TableWriter {
  add(row: Row): Promise<void>;
  /** Closes the file and names it. */
  end(about: Pick<ArtifactFile, 'key' | 'about'>): Promise<Artifact[]>;
  /** Lets it go; safe after `end`. */
  discard(): Promise<void>;
}

/** What writers need of a stage. */
export type TableContext = Pick<StageContext, 'output' | 'scratch'>;

/** Opens a writer; `path` has no ending. */
export type OpenTable = (path: string, layout: Layout, context: TableContext) => Promise<TableWriter>;
