// The frames of the clips of a bundle, column by column.

import { geometryOf, type Clip, type Frame, type Geometry, type TokenGrid } from '@deepearth/core';
import type { BundleClip, BundlePlaces, BundleSequence } from './bundle-index.ts';
import { pictureSize } from './frame-picture.ts';
import { placeTable } from './place-table.ts';

/** A frame that the table had not seen. */
export interface NewFrame {
  readonly frame: Frame;
  /** Its place in the bundle. */
  readonly sequence: number;
  readonly position: number;
}

interface Growing {
  readonly index: number;
  readonly first: Pick<Frame, 'width' | 'height' | 'position'>;
  readonly numbers: number[];
  readonly at: (string | null)[];
  readonly seconds: (number | null)[];
  readonly without: number[];
  /** Positions by frame id. */
  readonly positions: Map<string, number>;
}

/** Collects the frames of clips, each once. */
export interface SequenceTable {
  /** Places the clip of a grid, and names the frames that no clip before it had. */
  add(
    tokens: Pick<TokenGrid, 'id' | 'clip' | 'origin'>,
    grid: BundleClip['grid'],
  ): Pick<BundleClip, 'sequence' | 'frames' | 'geometry' | 'place'> & { readonly news: readonly NewFrame[] };
  /** Says that a frame has no picture. */
  lack(frame: Pick<NewFrame, 'sequence' | 'position'>): void;
  list(): BundleSequence[];
  /** `undefined` where no clip has a place. */
  places(): BundlePlaces | undefined;
}

/** Pixels of a cell where nothing says what its frame was. */
const cellPixels = 16;

/** `edge` is the longest edge of pictures. */
export function sequenceTable(edge: number): SequenceTable {
  const all = new Map<string, Growing>();
  const places = placeTable();

  const growing = (name: string, first: Growing['first']): Growing => {
    const known = all.get(name);
    if (known) return known;
    const made = { index: all.size, first, numbers: [], at: [], seconds: [], without: [], positions: new Map() };
    all.set(name, made);
    return made;
  };

  const addClip = ({ sequence, frames }: Clip) => {
    const table = growing(sequence, frames[0]!);
    const news: NewFrame[] = [];
    const positions = frames.map((frame) => {
      const known = table.positions.get(frame.id);
      if (known !== undefined) return known;
      const position = table.numbers.push(frame.number) - 1;
      table.at.push(frame.at ?? null);
      table.seconds.push(frame.seconds ?? null);
      table.positions.set(frame.id, position);
      news.push({ frame, sequence: table.index, position });
      return position;
    });
    return { sequence: table.index, frames: positions, news };
  };

  /** Tokens of nothing but themselves: one frame for each step, of which there is no picture. */
  const addGrid = (id: string, [time, height, width]: BundleClip['grid']) => {
    const table = growing(id, { width: width * cellPixels, height: height * cellPixels });
    const frames = Array.from({ length: time }, () => {
      const position = table.numbers.length;
      table.numbers.push(position);
      table.at.push(null);
      table.seconds.push(null);
      table.without.push(position);
      return position;
    });
    return { sequence: table.index, frames, news: [] };
  };

  return {
    add({ id, clip, origin }, grid) {
      const placed = clip ? addClip(clip) : addGrid(id, grid);
      const { width, height } = clip?.frames[0] ?? { width: grid[2] * cellPixels, height: grid[1] * cellPixels };
      const whole: Geometry = { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height };
      const place = clip && places.add(clip);
      return {
        ...placed,
        geometry: geometryOf({ origin }) ?? whole,
        ...(place !== undefined && { place }),
      };
    },
    lack({ sequence, position }) {
      [...all.values()][sequence]!.without.push(position);
    },
    list: () =>
      [...all].map(([name, { first, numbers, at, seconds, without }]) => ({
        name,
        frame: { width: first.width, height: first.height },
        picture: pictureSize(first, edge),
        numbers,
        ...(at.some((each) => each !== null) && { at }),
        ...(seconds.some((each) => each !== null) && { seconds }),
        ...(first.position && { position: first.position }),
        ...(without.length > 0 && { without: [...without].sort((a, b) => a - b) }),
      })),
    places: places.list,
  };
}
