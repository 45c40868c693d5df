// Puts the entries of a list in order: by sequence, then as the list is ordered, in little memory.

import type { Scratch } from '@deepearth/core';
import { sortedSpool } from '@deepearth/core/sorted-spool';
import type { ListEntry, ListReading } from './list-entries.ts';

/** Entries that come back in order. */
export interface OrderedEntries {
  add(entry: ListEntry): Promise<void>;
  inOrder(): AsyncGenerator<ListEntry>;
}

/** `sequences` are those there are, in their order. What memory has no room for goes to the scratch. */
export function orderedEntries(
  order: ListReading['order'],
  sequences: Iterable<string>,
  scratch: () => Promise<Scratch>,
): OrderedEntries {
  const ranks = new Map([...sequences].map((name, rank) => [name, digits(rank, 10)]));
  const spool = sortedSpool(scratch);
  const place = ({ instant, number }: ListEntry): string =>
    order === 'time'
      ? // Nanoseconds since 1970 may be negative.
        digits(instant! + 2n ** 80n, 26)
      : order === 'number'
        ? digits(number!, 16)
        : '';
  return {
    add(entry) {
      const { instant, ...rest } = entry;
      const text = JSON.stringify({ ...rest, ...(instant !== undefined && { instant: String(instant) }) });
      return spool.add(`${ranks.get(entry.sequence)} ${place(entry)} ${digits(entry.line, 16)}`, text);
    },
    async *inOrder() {
      for await (const { line } of spool.inOrder()) {
        const { instant, ...rest } = JSON.parse(line) as Omit<ListEntry, 'instant'> & { readonly instant?: string };
        yield { ...rest, ...(instant !== undefined && { instant: BigInt(instant) }) };
      }
    },
  };
}

const digits = (value: number | bigint, length: number): string => String(value).padStart(length, '0');
