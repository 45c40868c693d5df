// Goes through the frames of a stream of projections, each frame once, with the time step that shows it.

import {
  InputError,
  type Clip,
  type ClipPlace,
  type DescribedInput,
  type Frame,
  type Legend,
  type Picture,
  type Projection,
  type StageContext,
  type StreamSpec,
  type Tensor,
  type TokenGrid,
} from '@deepearth/core';
import { z } from 'zod';
import { annotated, type Annotations } from './annotated.ts';
import { captionFields, captionOf } from './caption.ts';
import type { ColorChoice } from './cell-colors.ts';
import { legendOf } from './legend.ts';
import { withOwnLimits, type ScaleChoice } from './own-limits.ts';
import { undrawable, undrawableRemedy } from './projection-spec.ts';

/** One picture to draw. */
export interface Shot<Grid extends Projection | TokenGrid = Projection> {
  readonly projection: Grid;
  readonly frame: Frame;
  /** The time step of the token grid that saw the frame. */
  readonly step: number;
  /** Where in the clip the frame stands. */
  readonly place: ClipPlace;
}

/** Which frames and steps are drawn where clips overlap. */
export const overlapField = z
  .enum(['once', 'every'])
  .optional()
  .describe(
    'Where clips overlap: `once` shows each frame once, with the colours of the clip whose middle is nearest, as a video needs it; `every` shows all of every clip. Default: `once`.',
  );

/** How a stream of grids becomes pictures: one for each frame or step of time, each once or once for every clip. */
export interface Showing {
  readonly per: 'frame' | 'step';
  readonly overlap?: 'once' | 'every' | undefined;
}

/** Ids of frames that are shown; those that no later clip can hold are forgotten with the clip after theirs. */
function makeShown(mostSequences = 4096) {
  const former = new Map<string, ReadonlySet<string>>();
  return {
    of: (sequence: string): ReadonlySet<string> => former.get(sequence) ?? new Set(),
    keep(sequence: string, ids: ReadonlySet<string>) {
      former.delete(sequence);
      former.set(sequence, ids);
      if (former.size > mostSequences) former.delete(former.keys().next().value!);
    },
  };
}

/** Grids that were made of clips. */
type ClipGrid = Projection | TokenGrid;

/** What is known of the stream that grids come in, and what is wanted of it. */
type Stream = Pick<StreamSpec, 'overlapping' | 'interleaved'> & Pick<Showing, 'overlap'>;

/** What `shots` has to know of the inputs of a stage. */
export const streamOf = (inputs: readonly DescribedInput[]): Stream => ({
  overlapping: inputs.some(({ spec }) => spec.overlapping),
  interleaved: inputs.some(({ spec }) => spec.interleaved),
});

/**
 * The shots of each clip, frame by frame or time step by time step, each frame once: a repeated (padded) frame counts
 * once, and a frame that several clips hold is shown by the one whose middle is nearest (`overlapping`; else by the
 * first that comes). A time step is shown with its first frame that is this clip's to show. With `overlap: every` all
 * of every clip is shown.
 */
export async function* shots<Grid extends ClipGrid>(
  projections: AsyncIterable<Grid>,
  per: 'frame' | 'step',
  { overlapping = false, interleaved = false, overlap = 'once' }: Stream = {},
): AsyncGenerator<Shot<Grid>> {
  const shown = makeShown();
  const every = overlap === 'every';
  const pairs = overlapping && !every ? withNext(projections, interleaved) : alone(projections);
  for await (const [projection, next] of pairs) {
    const { sequence, frames } = clipOf(projection);
    const steps = projection.axes[0] === 'time' ? projection.values.shape[0]! : 1;
    const stepOf = (index: number): number => Math.min(steps - 1, Math.floor((index * steps) / frames.length));
    const before = shown.of(sequence);
    // What earlier clips have shown of this one's frames, and what it shows.
    const over = new Set(frames.map(({ id }) => id).filter((id) => before.has(id)));
    const [middle, nextMiddle] = [toMiddle(projection), next ? toMiddle(next) : undefined];
    for (let index = 0; index < frames.length; index++) {
      const frame = frames[index]!;
      const step = stepOf(index);
      if (!every || per === 'frame')
        if (over.has(frame.id) || middle(frame)! > (nextMiddle?.(frame) ?? Infinity)) continue;
      if (every && per === 'step' && index > 0 && stepOf(index - 1) === step) continue;
      for (let at = index; at < (per === 'step' ? frames.length : index + 1) && stepOf(at) === step; at++)
        over.add(frames[at]!.id);
      yield { projection, frame, step, place: placeOf(frames, steps, step, index) };
    }
    if (!every) shown.keep(sequence, over);
  }
}

/** Where frame `position` of a clip stands, which step `step` of `steps` saw. */
function placeOf(frames: readonly Frame[], steps: number, step: number, position: number): ClipPlace {
  const number = (index: number): number => frames[index]!.number;
  return {
    first: number(0),
    last: number(frames.length - 1),
    step,
    stepFirst: number(Math.floor((step * frames.length) / steps)),
    stepLast: number(Math.max(0, Math.ceil(((step + 1) * frames.length) / steps) - 1)),
    position,
  };
}

/** The clip of a projection that can be drawn or of tokens, or an `InputError`. */
export function clipOf({ id, kind, axes, clip }: ClipGrid): Clip {
  const problem = kind === 'projection' ? undrawable(axes) : undefined;
  if (problem) throw new InputError(id, problem, { remedy: undrawableRemedy });
  if (!clip) throw new InputError(id, 'was not made of a clip, so there are no frames to show.', { code: 'E_NO_CLIP' });
  return clip;
}

/** How many frames lie between a frame and the middle of the clip; `undefined` for a frame that it does not hold. */
function toMiddle(projection: ClipGrid): (frame: Frame) => number | undefined {
  const { frames, padded } = clipOf(projection);
  const middle = (frames.length - padded - 1) / 2;
  const distances = new Map<string, number>();
  frames.forEach(({ id }, index) => distances.has(id) || distances.set(id, Math.abs(index - middle)));
  return ({ id }) => distances.get(id);
}

async function* alone<Grid>(projections: AsyncIterable<Grid>): AsyncGenerator<[Grid, undefined]> {
  for await (const projection of projections) yield [projection, undefined];
}

/**
 * Each projection with the next one of its sequence; it waits for that until the sequence, or the stream, has ended.
 */
async function* withNext<Grid extends ClipGrid>(
  projections: AsyncIterable<Grid>,
  interleaved: boolean,
): AsyncGenerator<[Grid, Grid | undefined]> {
  const waiting = new Map<string, Grid>();
  for await (const projection of projections) {
    const { sequence } = clipOf(projection);
    const before = waiting.get(sequence);
    if (before) yield [before, projection];
    else if (!interleaved) {
      for (const last of waiting.values()) yield [last, undefined];
      waiting.clear();
    }
    waiting.set(sequence, projection);
  }
  for (const last of waiting.values()) yield [last, undefined];
}

/** What all renderers of projections let choose. */
type Choice = Partial<ColorChoice> & { readonly scale?: ScaleChoice | undefined } & Annotations;

async function* each<Grid>(grids: AsyncIterable<Grid>, change: (grid: Grid) => Grid): AsyncGenerator<Grid> {
  for await (const grid of grids) yield change(grid);
}

/** Draws every shot under the stage's `onError`; a frame that cannot be read then misses its picture only. */
export async function* pictures<Grid extends Projection | TokenGrid>(
  projections: AsyncIterable<Grid>,
  context: StageContext<Choice>,
  {
    per,
    overlap = 'once',
    layer,
    draw,
  }: Showing & {
    layer(projection: Grid): string;
    draw(shot: Shot<Grid>): Promise<Tensor<'uint8'>> | Tensor<'uint8'>;
  },
): AsyncGenerator<Picture> {
  const { options } = context;
  const fields = captionFields(options.caption);
  // One for all pictures of a projection, which may be many that wait for another stream.
  let former: Grid | undefined;
  let legends: readonly Legend[] = [];
  const drawn =
    options.scale === 'clip'
      ? each(projections, (grid) => (grid.kind === 'projection' ? (withOwnLimits(grid) as Grid) : grid))
      : projections;
  for await (const shot of shots(drawn, per, { ...streamOf(context.inputs), overlap })) {
    context.signal.throwIfAborted();
    const { projection, frame, step, place } = shot;
    const name = layer(projection);
    const id = overlap === 'every' ? `${name}-${projection.id}-${step}-${frame.id}` : `${name}-${frame.id}`;
    const caption = captionOf(fields, frame, name);
    if (projection !== former) {
      former = projection;
      // A legend has one set of numbers for the whole run.
      legends =
        projection.kind === 'projection' && options.scale !== 'clip'
          ? [legendOf(projection, options as ColorChoice)]
          : [];
    }
    const pixels = await context.attempt({ id }, async () =>
      annotated(await draw(shot), caption, options.legend ? legends : []),
    );
    if (pixels)
      yield {
        kind: 'picture',
        id,
        key: context.key(projection.key, frame.key, String(step), ...caption.map(({ text }) => text)),
        pixels,
        frame,
        place,
        layer: name,
        legends,
      };
  }
}
