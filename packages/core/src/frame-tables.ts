// The frames that the sources of a run sent, as tables for the manifest: column by column, which is half of what named rows take.

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

interface Growing {
  readonly numbers: number[];
  files: string | string[];
  pages?: (number | null)[];
  at?: (string | null)[];
  seconds?: (number | null)[];
}

/** Collects the frames of all sources. */
export interface FrameTables {
  /** Sees what a source sent: a frame, or stored tokens with the frames of their clip. */
  see(stage: string, item: Item): void;
  tables(): FrameTable[];
}

/**
 * Starts without a frame. It holds a number, a reference to the file's name and the time of each frame, some 70 bytes:
 * less than `inputs` holds of the files. `address` is how a file is called in them.
 */
export function frameTables(address: (uri: string) => string = (uri) => uri): FrameTables {
  const all = new Map<string, Map<string, Growing>>();
  /** Frames of the clip that came last, of each source: clips overlap, and repeat their last frame to be full. */
  const latest = new Map<string, ReadonlySet<string>>();

  const add = (stage: string, { sequence, number, locator, at, seconds }: Frame): void => {
    const file = address(locator.uri);
    const sequences = all.get(stage) ?? new Map<string, Growing>();
    all.set(stage, sequences);
    const table: Growing = sequences.get(sequence) ?? { numbers: [], files: file };
    sequences.set(sequence, table);
    const before = table.numbers.length;
    table.numbers.push(number);
    if (typeof table.files === 'string' && table.files !== file)
      table.files = new Array<string>(before).fill(table.files);
    if (typeof table.files !== 'string') table.files.push(file);
    for (const [name, value] of [
      ['pages', locator.page],
      ['at', at],
      ['seconds', seconds],
    ] as const) {
      // A column begins with the first frame that has a value.
      if (value === undefined && !table[name]) continue;
      const column = (table[name] ??= new Array<never>(before).fill(null as never)) as (typeof value | null)[];
      column.push(value ?? null);
    }
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
        [...sequences].map(([sequence, table]) => ({ stage, sequence, count: table.numbers.length, ...table })),
      ),
  };
}

/** One table per source and sequence of those of several runs, each frame once: parts of a run share some at their ends. */
export function mergeFrameTables(parts: readonly (readonly FrameTable[])[]): FrameTable[] {
  const merged = frameTables();
  const known = new Set<string>();
  for (const table of parts.flat())
    for (let index = 0; index < table.count; index++) {
      const frame = frameOf(table, index);
      const name = JSON.stringify([table.stage, frame.sequence, frame.number, frame.locator]);
      if (!known.has(name)) merged.see(table.stage, frame);
      known.add(name);
    }
  return merged.tables();
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
