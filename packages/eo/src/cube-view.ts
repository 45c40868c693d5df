// Finds in a cube what the options name: variables, axes, the part of them, their place and their times.

import { closest, InputError, type Georeference } from '@deepearth/core';
import { some } from './cf/list-some.ts';
import { axisNames, coordinateOf, fieldsOf, pictureAxes, type PictureAxes } from './cf/axes.ts';
import { centresOf, crsOf, geoTransformOf, regularAxis } from './cf/place.ts';
import { dateText, isTime, momentOf, timeUnits, type TimeUnits } from './cf/time.ts';
import { cfValues, type CfValues } from './cf/values.ts';
import type { CubeOptions } from './cube-options.ts';
import type { Cube, CubeArray, Span } from './cube.ts';

/** One channel of a frame: a variable, cut along all axes but rows, columns and time. */
export interface Channel {
  readonly name: string;
  readonly array: CubeArray;
  readonly meaning: CfValues;
  readonly axes: PictureAxes;
  /** The position along every axis; those of rows, columns and time are not used. */
  readonly fixed: readonly number[];
  /** Which time it shows, in steps from the frame's own. */
  readonly step: number;
}

/** The times of a cube. */
export interface TimeAxis {
  readonly name: string;
  readonly units: TimeUnits | undefined;
  /**
   * Microseconds in the calendar of `units`, one for each position; `undefined` without units, and for a time that is
   * none.
   */
  readonly moments: readonly (bigint | undefined)[];
}

/** What the options take of one cube. */
export interface CubeView {
  readonly cube: Cube;
  readonly channels: readonly Channel[];
  /** Rows and columns that are read, in the order of the file. */
  readonly rows: Span;
  readonly columns: Span;
  /** Whether rows run to the north, or columns to the west, in the file: frames have north up. */
  readonly flipY: boolean;
  readonly flipX: boolean;
  readonly georeference: Georeference | undefined;
  readonly time: TimeAxis | undefined;
  /** What was found or guessed, for the plan. */
  readonly notes: readonly string[];
}

/** Options that decide what a frame holds, beside its time. */
export type ViewOptions = Pick<
  CubeOptions,
  'variable' | 'axes' | 'select' | 'bands' | 'times' | 'bounds' | 'crs' | 'noData'
>;

const quoted = (text: string): string => JSON.stringify(text);

/** Throws an `InputError` (E_VARIABLE, E_AXIS, E_SELECT) that says what there is where something named is not there. */
export async function viewOf(cube: Cube, options: ViewOptions, signal?: AbortSignal): Promise<CubeView> {
  const notes: string[] = [];
  const named = chosenVariables(cube, options, notes);
  const [first] = named as [CubeArray];
  const subject = `${cube.name}: ${first.name}`;
  const axesOf = (array: CubeArray): PictureAxes => {
    for (const axis of Object.values(options.axes))
      if (axis !== undefined && !axisNames(array).includes(axis))
        throw new InputError(
          `${cube.name}: ${array.name}`,
          `has no axis ${quoted(axis)}; it has ${axisNames(array).join(', ')}.`,
          {
            code: 'E_AXIS',
            remedy: 'Name one of them in `axes`.',
          },
        );
    return (
      pictureAxes(cube, array, options.axes) ??
      fail(
        `${cube.name}: ${array.name}`,
        `has no rows and columns among its axes (${axisNames(array).join(', ')}).`,
        'E_AXIS',
        'Name them with `axes: { y: …, x: … }`.',
      )
    );
  };
  const axes = axesOf(first);
  const names = axisNames(first);
  if (axes.guessed)
    notes.push(
      `rows are taken along ${quoted(names[axes.y]!)} and columns along ${quoted(names[axes.x]!)} of ${first.name}: its coordinates do not say so`,
    );
  const cut = await cutOf(cube, first, axes, options, notes, signal);
  const steps = options.times ?? [0];
  const channels: Channel[] = [];
  for (const array of named) {
    const own = array === first ? axes : axesOf(array);
    if (array !== first) sameGrid(cube, first, axes, array, own);
    const cuts = array === first ? cut : await cutOf(cube, array, own, options, [], signal);
    for (const { fixed, label } of cuts)
      for (const step of steps)
        channels.push({
          name: label ?? (step ? `${array.name}${step > 0 ? '+' : ''}${step}` : array.name.split('/').at(-1)!),
          array,
          meaning: cfValues(array.attributes, array.dtype, options.noData === undefined ? [] : [options.noData]),
          axes: own,
          fixed,
          step,
        });
  }
  if (channels.length !== 1 && channels.length !== 3)
    fail(
      subject,
      `would have ${channels.length} channels: three variables, three bands and three times do not go together.`,
      'E_CHANNELS',
      'Keep one of `variable` (three), `bands` and `times`.',
    );
  if (options.times && axes.time === undefined)
    fail(
      subject,
      'has no axis of time, so that `times` has nothing to choose from.',
      'E_AXIS',
      'Name the axis with `axes: { time: … }`, or leave `times` out.',
    );
  if (options.noData === undefined) notes.push(...fillNote(cube, first));
  const place = await placeOf(cube, first, axes, options, notes, signal);
  const time = axes.time === undefined ? undefined : await timeOf(cube, first, axes.time, notes, signal);
  return { cube, channels, ...place, time, notes };
}

/**
 * What xarray writes in format 2 as the fill value alone may be what stands for no data; here it is not taken for it.
 */
function fillNote(cube: Cube, { name, storage, attributes }: CubeArray): string[] {
  const fill = storage['fill_value'];
  const said = attributes['_FillValue'] !== undefined || attributes['missing_value'] !== undefined;
  return cube.about['zarr_format'] === 2 && !said && typeof fill === 'number' && fill !== 0
    ? [`chunks of ${name} that are missing read as ${fill}, which counts as data: \`noData: ${fill}\` if it does not`]
    : [];
}

function fail(subject: string, message: string, code: string, remedy?: string): never {
  throw new InputError(subject, message, { code, remedy });
}

function chosenVariables(cube: Cube, { variable }: ViewOptions, notes: string[]): CubeArray[] {
  const names = typeof variable === 'string' ? [variable] : variable;
  if (!names) {
    const fields = fieldsOf(cube);
    const [only] = fields;
    if (only === undefined) {
      const [broken] = cube.damaged.values();
      if (broken) throw broken;
      return fail(
        cube.name,
        `holds no variable with rows and columns${cube.arrays.size ? `, only ${some([...cube.arrays.keys()])}` : ''}.`,
        'E_VARIABLE',
      );
    }
    if (fields.length > 1)
      fail(
        cube.name,
        `holds ${fields.length} variables with rows and columns: ${some(fields)}.`,
        'E_VARIABLE',
        `Choose with \`variable: ${only}\`, or three of them.`,
      );
    notes.push(`the variable is ${only}`);
    return [cube.arrays.get(only)!];
  }
  return [...names].map((name) => {
    const found = cube.arrays.get(name.replace(/^\//, ''));
    if (!found) {
      const broken = cube.damaged.get(name.replace(/^\//, ''));
      if (broken) throw broken;
      const near = closest(name, cube.arrays.keys());
      return fail(
        cube.name,
        `has no variable ${quoted(name)}; it has ${some([...cube.arrays.keys()])}.`,
        'E_VARIABLE',
        near ? `Did you mean ${quoted(near)}?` : 'Choose one of them as `variable`.',
      );
    }
    if (found.dtype === 'string' || found.dtype === 'char')
      fail(`${cube.name}: ${name}`, 'holds text, which cannot be shown.', 'E_VARIABLE');
    return found;
  });
}

function sameGrid(cube: Cube, first: CubeArray, a: PictureAxes, other: CubeArray, b: PictureAxes): void {
  const size = (array: CubeArray, at: number | undefined): number => (at === undefined ? 1 : array.shape[at]!);
  const sizes = (array: CubeArray, { time, y, x }: PictureAxes): number[] => [time, y, x].map((at) => size(array, at));
  const [mine, theirs] = [sizes(first, a), sizes(other, b)];
  if (mine.join() !== theirs.join())
    fail(
      `${cube.name}: ${other.name}`,
      `has ${theirs.join(' x ')} times, rows and columns; ${first.name} has ${mine.join(' x ')}.`,
      'E_FRAME_SIZE',
      'Choose variables of one grid.',
    );
}

interface Cut {
  readonly fixed: readonly number[];
  /** What tells the channel from the others, where `bands` chose it. */
  readonly label?: string;
}

/** Where the axes beside rows, columns and time are cut: once, or once for each band. */
async function cutOf(
  cube: Cube,
  array: CubeArray,
  axes: PictureAxes,
  { select, bands }: ViewOptions,
  notes: string[],
  signal: AbortSignal | undefined,
): Promise<Cut[]> {
  const subject = `${cube.name}: ${array.name}`;
  const names = axisNames(array);
  const others = names.flatMap((name, at) =>
    at === axes.time || at === axes.y || at === axes.x ? [] : [{ name, at }],
  );
  for (const name of Object.keys(select))
    if (!others.some((other) => other.name === name)) {
      const near = closest(
        name,
        others.map((other) => other.name),
      );
      fail(
        subject,
        `has no other axis ${quoted(name)} to cut${others.length ? `; it has ${others.map((other) => other.name).join(', ')}` : ''}.`,
        'E_AXIS',
        near ? `Did you mean ${quoted(near)}?` : 'Leave it out of `select`.',
      );
    }
  const fixed = array.shape.map(() => 0);
  const open: typeof others = [];
  for (const other of others) {
    const wanted = select[other.name];
    if (wanted === undefined) {
      if (array.shape[other.at]! > 1 || (bands && others.length === 1)) open.push(other);
      continue;
    }
    const { index, label } = await positionOf(cube, array, other, wanted, signal);
    fixed[other.at] = index;
    if (label !== undefined && label !== String(wanted))
      notes.push(`${other.name} ${JSON.stringify(wanted)}: the nearest is ${label}`);
  }
  if (bands) {
    if (open.length !== 1)
      fail(
        subject,
        open.length
          ? `has ${open.length} axes that \`bands\` may mean: ${open.map(({ name }) => name).join(', ')}.`
          : 'has no axis that `bands` could choose from.',
        'E_AXIS',
        open.length ? 'Cut the others with `select`.' : 'Leave `bands` out.',
      );
    const cuts: Cut[] = [];
    for (const wanted of bands) {
      const { index, label } = await positionOf(cube, array, open[0]!, wanted, signal);
      const own = [...fixed];
      own[open[0]!.at] = index;
      cuts.push({ fixed: own, label: label ?? String(wanted) });
    }
    return cuts;
  }
  if (open.length) {
    const listed = await Promise.all(
      open.map(async ({ name, at }) => `${name} (${await valuesText(cube, array, name, array.shape[at]!, signal)})`),
    );
    fail(
      subject,
      `has axes beside rows, columns and time: ${listed.join('; ')}.`,
      'E_SELECT',
      `Cut them with \`select: { ${open.map(({ name }) => `${name}: …`).join(', ')} }\`, or choose three values with \`bands\`.`,
    );
  }
  return [{ fixed }];
}

async function valuesText(
  cube: Cube,
  array: CubeArray,
  axis: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const coordinate = coordinateOf(cube, array, axis);
  if (!coordinate) return `${size} positions`;
  if (coordinate.dtype === 'string' || coordinate.dtype === 'char') return some(await coordinate.readText(signal));
  return some(Array.from((await centresOf(cube, array, axis, signal))!, String));
}

async function positionOf(
  cube: Cube,
  array: CubeArray,
  { name, at }: { readonly name: string; readonly at: number },
  wanted: CubeOptions['select'][string],
  signal: AbortSignal | undefined,
): Promise<{ index: number; label?: string }> {
  const subject = `${cube.name}: ${array.name}`;
  const size = array.shape[at]!;
  if (typeof wanted === 'object') {
    if (wanted.index >= size)
      fail(
        subject,
        `has ${size} positions along ${name}, there is no ${wanted.index}.`,
        'E_SELECT',
        `Choose one from 0 to ${size - 1}.`,
      );
    return { index: wanted.index };
  }
  const coordinate = coordinateOf(cube, array, name);
  if (!coordinate)
    return fail(
      subject,
      `has no coordinate ${quoted(name)} that ${JSON.stringify(wanted)} could be found in.`,
      'E_SELECT',
      `Choose by position: \`select: { ${name}: { index: 0 } }\`.`,
    );
  if (coordinate.dtype === 'string' || coordinate.dtype === 'char') {
    const texts = (await coordinate.readText(signal)).map((text) => text.trim());
    const index = texts.indexOf(String(wanted));
    if (index < 0)
      fail(
        subject,
        `has no ${quoted(String(wanted))} along ${name}; it has ${some(texts)}.`,
        'E_SELECT',
        'Choose one of them.',
      );
    return { index, label: texts[index]! };
  }
  const value = Number(wanted);
  const values = (await centresOf(cube, array, name, signal))!;
  if (Number.isNaN(value))
    fail(
      subject,
      `has numbers along ${name} (${some(Array.from(values, String))}), not ${quoted(String(wanted))}.`,
      'E_SELECT',
      'Choose one of them.',
    );
  let index = 0;
  for (let i = 1; i < values.length; i++)
    if (Math.abs(values[i]! - value) < Math.abs(values[index]! - value)) index = i;
  return { index, label: String(values[index]) };
}

type Place = Pick<CubeView, 'rows' | 'columns' | 'flipY' | 'flipX' | 'georeference'>;

async function placeOf(
  cube: Cube,
  array: CubeArray,
  axes: PictureAxes,
  { bounds, crs: given }: ViewOptions,
  notes: string[],
  signal: AbortSignal | undefined,
): Promise<Place> {
  const names = axisNames(array);
  const [yName, xName] = [names[axes.y]!, names[axes.x]!];
  const ys = await centresOf(cube, array, yName, signal);
  const xs = await centresOf(cube, array, xName, signal);
  const transform = geoTransformOf(cube, array);
  // Without coordinates GDAL's own numbers count; they are those of a picture with its first row on top.
  const y = ys ? regularAxis(ys) : transform && { edge: transform[5], step: transform[4] };
  const x = xs ? regularAxis(xs) : transform && { edge: transform[2], step: transform[0] };
  const rising = (values: ArrayLike<number> | undefined, step: number | undefined): boolean =>
    step !== undefined
      ? step > 0
      : values !== undefined && values.length > 1 && values[0]! < values[values.length - 1]!;
  const flipY = rising(ys, y?.step);
  const flipX = x !== undefined && x.step < 0;
  const whole = { rows: { start: 0, count: array.shape[axes.y]! }, columns: { start: 0, count: array.shape[axes.x]! } };
  const { rows, columns } = bounds ? partWithin(cube, array, whole, ys, xs, bounds) : whole;
  const crs = given ?? crsOf(cube, array, yName, xName);
  if (!y || !x || !crs) {
    notes.push(
      !y || !x
        ? `${array.name} has no regular grid, so that its frames have no place on the Earth`
        : 'the file does not say its coordinate reference system, so that frames have no place on the Earth: give it with `crs`',
    );
    return { rows, columns, flipY, flipX, georeference: undefined };
  }
  if (flipY) notes.push('rows run from south to north in the file; frames have north up');
  // Of a flipped axis the far edge of the last pixel comes first.
  const edge = ({ edge: from, step }: typeof y, { start, count }: Span, flip: boolean): number =>
    from + step * (flip ? start + count : start);
  return {
    rows,
    columns,
    flipY,
    flipX,
    georeference: {
      crs,
      transform: [Math.abs(x.step), 0, edge(x, columns, flipX), 0, -Math.abs(y.step), edge(y, rows, flipY)],
    },
  };
}

function partWithin(
  cube: Cube,
  array: CubeArray,
  whole: Pick<CubeView, 'rows' | 'columns'>,
  ys: ArrayLike<number> | undefined,
  xs: ArrayLike<number> | undefined,
  [west, south, east, north]: NonNullable<ViewOptions['bounds']>,
): Pick<CubeView, 'rows' | 'columns'> {
  const subject = `${cube.name}: ${array.name}`;
  if (!ys || !xs)
    return fail(
      subject,
      'has no coordinates that `bounds` could be found in.',
      'E_SELECT',
      'Leave `bounds` out, and cut with `transform/crop`.',
    );
  const within = (values: ArrayLike<number>, low: number, high: number): Span => {
    const inside = Array.from(values, (value) => value >= low && value <= high);
    const start = inside.indexOf(true);
    return { start, count: start < 0 ? 0 : inside.lastIndexOf(true) - start + 1 };
  };
  const rows = within(ys, south, north);
  const columns = within(xs, west, east);
  if (!rows.count || !columns.count) {
    const span = (values: ArrayLike<number>): string =>
      `${Math.min(...[values[0]!, values[values.length - 1]!])} to ${Math.max(...[values[0]!, values[values.length - 1]!])}`;
    fail(
      subject,
      `has nothing within [${[west, south, east, north].join(', ')}]: its columns are from ${span(xs)}, its rows from ${span(ys)}.`,
      'E_SELECT',
      'Give `bounds` in the coordinates of the file.',
    );
  }
  return whole.rows.count === rows.count && whole.columns.count === columns.count ? whole : { rows, columns };
}

async function timeOf(
  cube: Cube,
  array: CubeArray,
  axis: number,
  notes: string[],
  signal: AbortSignal | undefined,
): Promise<TimeAxis> {
  const name = axisNames(array)[axis]!;
  const coordinate = coordinateOf(cube, array, name);
  const none = { name, units: undefined, moments: new Array<undefined>(array.shape[axis]!).fill(undefined) };
  if (!coordinate || coordinate.dtype === 'string' || coordinate.dtype === 'char' || !isTime(coordinate.attributes)) {
    notes.push(`the axis ${quoted(name)} has no times: frames are numbered by their position`);
    return none;
  }
  const units = timeUnits(`${cube.name}: ${coordinate.name}`, coordinate.attributes);
  const { data } = await coordinate.read(undefined, signal);
  const { noData } = cfValues(coordinate.attributes, coordinate.dtype);
  const moments = Array.from(data as ArrayLike<number | bigint>, (value) =>
    noData.includes(Number(value)) ? undefined : momentOf(value, units),
  );
  if (!units.calendar.real)
    notes.push(
      `times are in the calendar ${units.calendar.name}, whose dates (${dateText(moments.find((moment) => moment !== undefined) ?? 0n, units.calendar)} …) are none of ours: frames have seconds from the first one, and no instant`,
    );
  return { name, units, moments };
}
