// Keeps pictures of one input in order, sequence by sequence, until they are wanted: a few in memory, the rest in
// scratch.

import type { Frame, Picture, Scratch } from '@deepearth/core';
import { itemShelf, type ItemShelf, type Shelved } from '@deepearth/core/item-shelf';

/** Frames are handles and need little room; pictures need much. */
export type Panel = Picture | Frame;

/** The frame that a panel shows. */
export const frameOf = (panel: Panel): Frame => (panel.kind === 'frame' ? panel : panel.frame);

type Kept = Panel | { readonly shelved: Shelved<Panel> };
type Room = Pick<Scratch, 'append' | 'read' | 'clear'>;

export interface PictureQueue {
  readonly length: number;
  push(panel: Panel): Promise<void>;
  /** The oldest of a sequence; `undefined` when there is none. */
  shift(sequence: string): Promise<Panel | undefined>;
}

/**
 * Holds at most `inMemory` pictures and 64 times as many frames; others wait in the scratch. It is opened when it is
 * needed and belongs to whoever opens it.
 */
export function pictureQueue(open: () => Promise<Room>, inMemory = 4): PictureQueue {
  const kept = new Map<string, Kept[]>();
  let length = 0;
  let frames = 0;
  let shelf: Promise<{ readonly room: Room } & ItemShelf> | undefined;
  let stored = 0;
  const opened = async (): Promise<{ readonly room: Room } & ItemShelf> => {
    const room = await open();
    return { room, ...itemShelf(room) };
  };
  // One step after another: clearing the scratch must not overtake pixels that are still on their way into it.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };
  const keep = (sequence: string, entry: Kept): void => {
    const entries = kept.get(sequence);
    if (entries) entries.push(entry);
    else kept.set(sequence, [entry]);
    length++;
  };
  return {
    get length() {
      return length;
    },
    push: (panel) =>
      inTurn(async () => {
        const { sequence } = frameOf(panel);
        const room = panel.kind === 'frame' ? frames < 64 * inMemory : length - frames - stored < inMemory;
        if (room) {
          if (panel.kind === 'frame') frames++;
          return keep(sequence, panel);
        }
        keep(sequence, { shelved: await (await (shelf ??= opened())).put(panel) });
        stored++;
      }),
    shift: (sequence) =>
      inTurn(async () => {
        const entries = kept.get(sequence);
        const first = entries?.shift();
        if (!first) return undefined;
        length--;
        if (entries!.length === 0) kept.delete(sequence);
        if ('kind' in first) {
          if (first.kind === 'frame') frames--;
          return first;
        }
        const { room, take } = await shelf!;
        const panel = await take(first.shelved);
        // All has been fetched: the scratch begins anew, so that it does not grow with the length of the run.
        if (--stored === 0) await room.clear();
        return panel;
      }),
  };
}
