// The frames that the sources of a run sent, as tables for the manifest: column by column, which is half of what named
// rows take.

import { numberColumn, textColumn, isLongList, type Column, type LongList } from './columns.ts';
import type { Clip, Frame, Item } from './items.ts';

/** The frames of one sequence as its source sent them; all columns have `count` entries. */
export interface FrameTable {
  /** The source. */
  readonly stage: string;
  readonly sequence: string;
  readonly count: number;
  readonly numbers: readonly number[];
  /** Where each comes from (`Locator.uri`); one text where all come from one file, a video. */
  readonly files: string | readonly string[];
  /** Pages of files that have several; absent where there are none. */
  readonly pages?: readonly (number | null)[];
  /** ISO 8601; absent where no instant is known. */
  readonly at?: readonly (string | null)[];
  /** Seconds since the start of the sequence; absent where they are not known. */
  readonly seconds?: readonly (number | null)[];
}

/** A table before it is written: its columns are gone through. */
export type UnwrittenFrameTable = { readonly [Name in keyof FrameTable]: UnwrittenColumn<FrameTable[Name]> };
/** A column before it is written; what is no list stays what it is. */
export type UnwrittenColumn<Column> = Column extends readonly (infer Value)[] ? LongList<Value> : Column;

/** A table that grows, in few bytes for each frame. */
interface Growing {
  readonly numbers: Column<number>;
  /** One text as long as all frames come from there. */
  files: string | Column<string>;
  /** `pages`, `at` and `seconds`, in the order in which frames first had them. */
  readonly more: Map<string, Column<number> | Column<string>>;
}

/** Collects the frames of all sources. */
export interface FrameTables {
  /** Sees what a source sent: a frame, or stored tokens with the frames of their clip. */
  see(stage: string, item: Item): void;
  /** The tables so far. */
  tables(): UnwrittenFrameTable[];
}

/**
 * Starts without a frame. Of each it holds its number, its times, and what its file's name has that the one before had
 * not: some 25 bytes. `address` is how a file is called in the manifest.
 */
export function frameTables(address: (uri: string) => string = (uri) => uri): FrameTables {
  const all = new Map<string, Map<string, Growing>>();
  /** Frames of the clip that came last, of each source: clips overlap, and repeat their last frame to be full. */
  const latest = new Map<string, ReadonlySet<string>>();

  const add = (stage: string, { sequence, number, locator, at, seconds }: Frame): void => {
    const file = address(locator.uri);
    const sequences = all.get(stage) ?? new Map<string, Growing>();
    all.set(stage, sequences);
    const table: Growing = sequences.get(sequence) ?? {
      numbers: numberColumn(),
      files: file,
      more: new Map(),
    };
    sequences.set(sequence, table);
    const before = table.numbers.length;
    table.numbers.push(number);
    if (typeof table.files === 'string' && table.files !== file) {
      const { files } = table;
      table.files = textColumn();
      for (let i = 0; i < before; i++) table.files.push(files);
    }
    if (typeof table.files !== 'string') table.files.push(file);
    extend(table.more, 'pages', locator.page, before, numberColumn);
    extend(table.more, 'at', at, before, textColumn);
    extend(table.more, 'seconds', seconds, before, numberColumn);
  };

  return {
    see(stage, item) {
      // What a plugin sends may be anything; that it is no whole frame is found where it is read.
      if (item.kind === 'frame') return (item as Partial<Frame>).locator && add(stage, item as Frame);
      const { clip } = item as { readonly clip?: Clip };
      if (!clip) return;
      const known = new Set(latest.get(stage));
      for (const frame of clip.frames) {
        if (!known.has(frame.id)) add(stage, frame);
        known.add(frame.id);
      }
      latest.set(stage, new Set(clip.frames.map(({ id }) => id)));
    },
    tables: () =>
      [...all].flatMap(([stage, sequences]) =>
        [...sequences].map(([sequence, table]) => tableOf(stage, sequence, table)),
      ),
  };
}

/** Adds a value to a column, which begins with the first frame that has one. */
function extend<T>(
  columns: Map<string, unknown>,
  name: string,
  value: T | undefined,
  before: number,
  begin: () => Column<T>,
): void {
  let column = columns.get(name) as Column<T> | undefined;
  if (!column) {
    if (value === undefined) return;
    columns.set(name, (column = begin()));
    for (let i = 0; i < before; i++) column.push(null);
  }
  column.push(value ?? null);
}

const tableOf = (stage: string, sequence: string, { numbers, files, more }: Growing): UnwrittenFrameTable =>
  ({ stage, sequence, count: numbers.length, numbers, files, ...Object.fromEntries(more) }) as UnwrittenFrameTable;

/** The same table with its columns as lists. */
export const wholeTable = (table: UnwrittenFrameTable): FrameTable =>
  Object.fromEntries(
    Object.entries(table).map(([name, part]) => [name, isLongList(part) ? [...part] : part]),
  ) as unknown as FrameTable;

/**
 * One table per source and sequence of those of several runs, each frame once: parts of a run share some at their ends.
 */
export function mergeFrameTables(parts: readonly (readonly FrameTable[])[]): FrameTable[] {
  const merged = frameTables();
  const known = new Set<string>();
  for (const table of parts.flat()) {
    for (let index = 0; index < table.count; index++) {
      const frame = frameOf(table, index);
      const name = JSON.stringify([table.stage, frame.sequence, frame.number, frame.locator]);
      if (!known.has(name)) merged.see(table.stage, frame);
      known.add(name);
    }
  }
  return merged.tables().map(wholeTable);
}

/** What a table says of a frame. */
function frameOf({ sequence, numbers, files, pages, at, seconds }: FrameTable, index: number): Frame {
  const page = pages?.[index] ?? undefined;
  return {
    kind: 'frame',
    sequence,
    number: numbers[index]!,
    locator: {
      source: '',
      uri: typeof files === 'string' ? files : files[index]!,
      ...(page !== undefined && { page }),
    },
    at: at?.[index] ?? undefined,
    seconds: seconds?.[index] ?? undefined,
  } as unknown as Frame;
}
