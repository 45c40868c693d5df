// Goes through the frames of a stream of projections, each frame once, with the time step that shows it.

import {
  InputError,
  type Frame,
  type Legend,
  type Picture,
  type Projection,
  type StageContext,
  type Tensor,
} from '@deepearth/core';
import type { z } from 'zod';
import { annotated, type annotationOptions } from './annotated.ts';
import { captionFields, captionOf } from './caption.ts';
import type { ColorChoice } from './cell-colors.ts';
import { legendOf } from './legend.ts';
import { undrawable, undrawableRemedy } from './projection-spec.ts';

/** One picture to draw. */
export interface Shot {
  readonly projection: Projection;
  readonly frame: Frame;
  /** The time step of the token grid that saw the frame. */
  readonly step: number;
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
 * time step is shown with its first frame that no earlier clip holds.
 */
export async function* shots(projections: AsyncIterable<Projection>, per: 'frame' | 'step'): AsyncGenerator<Shot> {
  const shown = makeShown();
  for await (const projection of projections) {
    const { clip } = projection;
    const problem = undrawable(projection.axes);
    if (problem) throw new InputError(projection.id, problem, { remedy: undrawableRemedy });
    if (!clip)
      throw new InputError(projection.id, 'was not made of a clip, so there are no frames to show.', {
        code: 'E_NO_CLIP',
      });
    const { frames } = clip;
    const steps = projection.values.shape[0]!;
    const stepOf = (index: number): number => Math.min(steps - 1, Math.floor((index * steps) / frames.length));
    const drawn = new Set<string>();
    let last = -1;
    for (let index = 0; index < frames.length; index++) {
      const frame = frames[index]!;
      const step = stepOf(index);
      if (shown.has(frame) || drawn.has(frame.id) || (per === 'step' && step === last)) continue;
      drawn.add(frame.id);
      last = step;
      yield { projection, frame, step };
    }
    shown.add(clip.sequence, frames);
  }
}

/** What all renderers of projections let choose. */
type Choice = ColorChoice & z.output<z.ZodObject<typeof annotationOptions>>;

/** Draws every shot under the stage's `onError`; a frame that cannot be read then misses its picture only. */
export async function* pictures(
  projections: AsyncIterable<Projection>,
  context: StageContext<Choice>,
  {
    per,
    layer,
    draw,
  }: {
    per: 'frame' | 'step';
    layer(projection: Projection): string;
    draw(shot: Shot): Promise<Tensor<'uint8'>> | Tensor<'uint8'>;
  },
): AsyncGenerator<Picture> {
  const { options } = context;
  const fields = captionFields(options.caption);
  // One for all pictures of a projection, which may be many that wait for another stream.
  let former: Projection | undefined;
  let legends: readonly Legend[] = [];
  for await (const shot of shots(projections, per)) {
    context.signal.throwIfAborted();
    const { projection, frame, step } = shot;
    const name = layer(projection);
    const id = `${name}-${frame.id}`;
    const caption = captionOf(fields, frame, name);
    if (projection !== former) legends = [legendOf((former = projection), options)];
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
        layer: name,
        legends,
      };
  }
}
