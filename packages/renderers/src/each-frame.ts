// Goes through the frames of a stream of projections, each frame once, with the time step that shows it.

import {
  InputError,
  type ClipPlace,
  type Frame,
  type Legend,
  type Picture,
  type Projection,
  type StageContext,
  type Tensor,
  type TokenGrid,
} from '@deepearth/core';
import { z } from 'zod';
import { annotated, type annotationOptions } from './annotated.ts';
import { captionFields, captionOf } from './caption.ts';
import type { ColorChoice } from './cell-colors.ts';
import { legendOf } from './legend.ts';
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
  .enum(['first', 'every'])
  .optional()
  .describe(
    'Where clips overlap: `first` shows each frame once, as the first clip that holds it, as a video needs it; `every` shows all of every clip. Default: `first`.',
  );

/** How a stream of grids becomes pictures: one for each frame or step of time, each once or once for every clip. */
export interface Showing {
  readonly per: 'frame' | 'step';
  readonly overlap?: 'first' | 'every' | undefined;
}

/**
 * Frames that earlier clips have shown. Clips are windows in order, so a frame that any earlier clip of its sequence held
 * is in the one before; that one is remembered of each of the last few thousand sequences.
 */
function makeShown(mostSequences = 4096) {
  const former = new Map<string, ReadonlySet<string>>();
  return {
    has: (frame: Frame): boolean => former.get(frame.sequence)?.has(frame.id) ?? false,
    add(sequence: string, frames: readonly Frame[]) {
      former.delete(sequence);
      former.set(sequence, new Set(frames.map(({ id }) => id)));
      if (former.size > mostSequences) former.delete(former.keys().next().value!);
    },
  };
}

/**
 * The shots of each clip, frame by frame or time step by time step. Where clips overlap, a frame belongs to the first
 * clip that holds it, and a repeated (padded) frame counts once, so that an animation shows every frame exactly once. A
 * time step is shown with its first frame that no earlier clip holds. With `overlap: every` all of every clip is shown.
 */
export async function* shots<Grid extends Projection | TokenGrid>(
  grids: AsyncIterable<Grid>,
  { per, overlap = 'first' }: Showing,
): AsyncGenerator<Shot<Grid>> {
  const shown = makeShown();
  const every = overlap === 'every';
  for await (const projection of grids) {
    const { clip, kind, axes } = projection;
    const problem = kind === 'projection' ? undrawable(axes) : undefined;
    if (problem) throw new InputError(projection.id, problem, { remedy: undrawableRemedy });
    if (!clip)
      throw new InputError(projection.id, 'was not made of a clip, so there are no frames to show.', {
        code: 'E_NO_CLIP',
      });
    const { frames } = clip;
    const steps = axes[0] === 'time' ? projection.values.shape[0]! : 1;
    const stepOf = (index: number): number => Math.min(steps - 1, Math.floor((index * steps) / frames.length));
    const drawn = new Set<string>();
    let last = -1;
    for (let index = 0; index < frames.length; index++) {
      const frame = frames[index]!;
      const step = stepOf(index);
      if (per === 'step' && step === last) continue;
      if (every ? per === 'frame' && drawn.has(frame.id) : shown.has(frame) || drawn.has(frame.id)) continue;
      drawn.add(frame.id);
      last = step;
      yield { projection, frame, step, place: placeOf(frames, steps, step, index) };
    }
    if (!every) shown.add(clip.sequence, frames);
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

/** What all renderers of projections let choose. */
type Choice = Partial<ColorChoice> & z.output<z.ZodObject<typeof annotationOptions>>;

/** Draws every shot under the stage's `onError`; a frame that cannot be read then misses its picture only. */
export async function* pictures<Grid extends Projection | TokenGrid>(
  projections: AsyncIterable<Grid>,
  context: StageContext<Choice>,
  {
    per,
    overlap = 'first',
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
  for await (const shot of shots(projections, { per, overlap })) {
    context.signal.throwIfAborted();
    const { projection, frame, step, place } = shot;
    const name = layer(projection);
    const id = overlap === 'every' ? `${name}-${projection.id}-${step}-${frame.id}` : `${name}-${frame.id}`;
    const caption = captionOf(fields, frame, name);
    if (projection !== former) {
      former = projection;
      legends = projection.kind === 'projection' ? [legendOf(projection, options as ColorChoice)] : [];
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
