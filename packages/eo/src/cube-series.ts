// The frames of one or more cubes in order of time, before any of them is read.

import { basename } from 'node:path';
import { InputError } from '@deepearth/core';
import { dateText, instantText } from './cf/time.ts';
import type { CubeOptions } from './cube-options.ts';
import { rasterType, sizeOf } from './cube-raster.ts';
import { viewOf, type CubeView } from './cube-view.ts';
import type { Cube } from './cube.ts';

/** One frame: a time of a cube. */
export interface SeriesFrame {
  /** The file, as the user named it. */
  readonly uri: string;
  /** Position along the axis of time of its file; 0 without such an axis. */
  readonly position: number;
  /** From 0, over all files. */
  readonly number: number;
  /** Microseconds in the calendar of the file. */
  readonly moment: bigint | undefined;
  readonly at: string | undefined;
  /** The date in the calendar of the file. */
  readonly date: string | undefined;
  /** From the first frame of the series on. */
  readonly seconds: number | undefined;
}

/** What a survey finds. */
export interface CubeSeries {
  readonly frames: readonly SeriesFrame[];
  readonly width: number;
  readonly height: number;
  readonly channels: readonly string[];
  readonly dtype: 'uint8' | 'uint16' | 'int16' | 'float32';
  /** Bytes that are decoded for one frame, and how many frames share them; of the first file. */
  readonly decodedBytes: number;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  /** Frames are of their own variables, so that each channel is stretched by itself. */
  readonly apart: boolean;
}

/** Opens a cube by its path. */
export type OpenCube = (path: string, signal?: AbortSignal) => Promise<Cube>;

/** Name of the sequence where the options give none. */
export const sequenceOf = (path: string): string =>
  decodeURIComponent(basename(path.replace(/[/\\]+$/, '').split(/[?#]/)[0]!)).replace(
    /\.(?:zarr(?:\.zip)?|nc4?|cdf|h5|zip)$/i,
    '',
  ) || 'cube';

/**
 * Looks at the coordinates of every file. Throws an `InputError` where a file does not fit to the first, or where no
 * frame is left.
 */
export async function surveySeries(
  paths: readonly string[],
  options: CubeOptions,
  open: OpenCube,
  signal?: AbortSignal,
): Promise<CubeSeries> {
  let first: CubeView | undefined;
  let facts: Pick<CubeSeries, 'width' | 'height' | 'channels' | 'dtype' | 'decodedBytes' | 'apart'> | undefined;
  const found: Omit<SeriesFrame, 'number' | 'seconds'>[] = [];
  const notes = new Set<string>();
  const warnings: string[] = [];
  let left = 0;
  for (const uri of paths) {
    signal?.throwIfAborted();
    const cube = await open(uri, signal);
    try {
      const view = await viewOf(cube, options, signal);
      for (const note of view.notes) notes.add(note);
      for (const [name, error] of cube.damaged) warnings.push(`${name} of ${uri} cannot be read: ${error.message}`);
      if (first) sameAs(first, view, uri);
      else facts = factsOf(view);
      first ??= view;
      const { frames, outside } = framesOf(uri, view, options);
      for (const frame of frames) found.push(frame);
      left += outside;
    } finally {
      await cube.close();
    }
  }
  if (!facts || !first || found.length === 0)
    throw new InputError(
      paths.join(', '),
      `holds no frame${options.from || options.to ? ` from ${options.from ?? 'its first'} to ${options.to ?? 'its last'}` : ''}.`,
      {
        code: 'E_NO_FRAMES',
        remedy: options.from || options.to ? 'Change `from` and `to`; `deepearth inspect` lists the times.' : undefined,
      },
    );
  const inOrder = sorted(found);
  if (inOrder.some((frame, at) => frame !== found[at]))
    notes.add('times do not follow one another in the file: frames are sorted by time');
  const repeated = inOrder.filter(
    ({ moment }, at) => at > 0 && moment !== undefined && moment === inOrder[at - 1]!.moment,
  );
  if (repeated.length)
    warnings.push(
      `${repeated.length} ${repeated.length === 1 ? 'time is' : 'times are'} there more than once, the first is ${repeated[0]!.date}`,
    );
  if (left) notes.add(`${left} times are left out, because \`times\` would leave the series there`);
  const start = inOrder[0]!.moment;
  const chosen = inOrder.filter((_, at) => at % options.step === 0);
  return {
    frames: chosen.map((frame, number) => ({
      ...frame,
      number,
      seconds: frame.moment !== undefined && start !== undefined ? Number(frame.moment - start) / 1e6 : undefined,
    })),
    ...facts,
    notes: [...notes],
    warnings,
  };
}

function factsOf(
  view: CubeView,
): Pick<CubeSeries, 'width' | 'height' | 'channels' | 'dtype' | 'decodedBytes' | 'apart'> {
  const arrays = new Set(view.channels.map(({ array }) => array));
  return {
    ...sizeOf(view),
    channels: view.channels.map(({ name }) => name),
    dtype: rasterType(view),
    decodedBytes: view.channels.reduce((sum, channel) => sum + chunkBytes(view, channel), 0),
    apart: arrays.size > 1,
  };
}

/** Bytes of the chunks that one frame of a channel touches, as numbers of 4 bytes. */
function chunkBytes({ rows, columns }: CubeView, { array, axes }: CubeView['channels'][number]): number {
  return array.shape.reduce((bytes, size, axis) => {
    const chunk = Math.min(array.chunks[axis] ?? size, size);
    const wanted = axis === axes.y ? rows.count : axis === axes.x ? columns.count : 1;
    return bytes * Math.min(size, Math.ceil(wanted / chunk) * chunk);
  }, 4);
}

function sameAs(first: CubeView, view: CubeView, uri: string): void {
  const [a, b] = [sizeOf(first), sizeOf(view)];
  if (a.width !== b.width || a.height !== b.height)
    throw new InputError(
      uri,
      `has frames of ${b.width} x ${b.height} pixels, those of ${first.cube.name} have ${a.width} x ${a.height}.`,
      {
        code: 'E_FRAME_SIZE',
        remedy: 'Read files of one size together; others in a source of their own.',
      },
    );
  const place = ({ georeference }: CubeView): string => JSON.stringify(georeference ?? null);
  if (place(first) !== place(view))
    throw new InputError(uri, `lies elsewhere than ${first.cube.name}: ${place(view)} and not ${place(first)}.`, {
      code: 'E_FRAME_PLACE',
      remedy: 'Read files of one place together; others in a source of their own.',
    });
  const calendar = ({ time }: CubeView): string => time?.units?.calendar.name ?? 'none';
  if (calendar(first) !== calendar(view))
    throw new InputError(
      uri,
      `has times of the calendar ${calendar(view)}, ${first.cube.name} of ${calendar(first)}.`,
      { code: 'E_CF_TIME' },
    );
}

function framesOf(
  uri: string,
  view: CubeView,
  { from, to }: CubeOptions,
): { readonly frames: Omit<SeriesFrame, 'number' | 'seconds'>[]; readonly outside: number } {
  const { time, channels } = view;
  const units = time?.units;
  const count = time?.moments.length ?? 1;
  const steps = channels.map(({ step }) => step);
  const frames: Omit<SeriesFrame, 'number' | 'seconds'>[] = [];
  let outside = 0;
  for (let position = 0; position < count; position++) {
    const moment = time?.moments[position];
    const date = moment === undefined || !units ? undefined : dateText(moment, units.calendar);
    if (from !== undefined && !(date !== undefined && date >= spaced(from))) continue;
    // "2024-01" is all of January: only as much of the date as was written is compared.
    if (to !== undefined && !(date !== undefined && date.slice(0, spaced(to).length) <= spaced(to))) continue;
    if (steps.some((step) => position + step < 0 || position + step >= count)) {
      outside++;
      continue;
    }
    frames.push({
      uri,
      position,
      moment,
      date,
      at: moment === undefined || !units ? undefined : instantText(moment, units),
    });
  }
  return { frames, outside };
}

/** A date with a space in place of its T, and without a Z, as people write it. */
const spaced = (date: string): string => date.trim().replace(' ', 'T').replace(/Z$/, '');

const sorted = <T extends Pick<SeriesFrame, 'moment'>>(frames: readonly T[]): T[] =>
  [...frames].sort((a, b) =>
    a.moment === undefined || b.moment === undefined || a.moment === b.moment ? 0 : a.moment < b.moment ? -1 : 1,
  );
