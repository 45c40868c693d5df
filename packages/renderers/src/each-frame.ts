// Goes through the frames of a stream of projections, each frame once, with the time step that shows it.

import {
  InputError,
  type Clip,
  type Frame,
  type Legend,
  type Picture,
  type Projection,
  type StageContext,
  type StreamSpec,
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

/**
 * The shots of each clip, frame by frame or time step by time step, each frame once: a repeated (padded) frame counts
 * once, and a frame that several clips hold is shown by the one whose middle is nearest (`overlapping`; else by the first
 * that comes). A time step is shown with its first frame that is this clip's to show.
 */
export async function* shots(
  projections: AsyncIterable<Projection>,
  per: 'frame' | 'step',
  { overlapping = false, interleaved = false }: Pick<StreamSpec, 'overlapping' | 'interleaved'> = {},
): AsyncGenerator<Shot> {
  const shown = makeShown();
  const pairs = overlapping ? withNext(projections, interleaved) : alone(projections);
  for await (const [projection, next] of pairs) {
    const { sequence, frames } = clipOf(projection);
    const steps = projection.values.shape[0]!;
    const stepOf = (index: number): number => Math.min(steps - 1, Math.floor((index * steps) / frames.length));
    const before = shown.of(sequence);
    // What earlier clips have shown of this one's frames, and what it shows.
    const over = new Set(frames.map(({ id }) => id).filter((id) => before.has(id)));
    const [middle, nextMiddle] = [toMiddle(projection), next ? toMiddle(next) : undefined];
    for (let index = 0; index < frames.length; index++) {
      const frame = frames[index]!;
      const step = stepOf(index);
      if (over.has(frame.id) || middle(frame)! > (nextMiddle?.(frame) ?? Infinity)) continue;
      for (let at = index; at < (per === 'step' ? frames.length : index + 1) && stepOf(at) === step; at++)
        over.add(frames[at]!.id);
      yield { projection, frame, step };
    }
    shown.keep(sequence, over);
  }
}

/** The clip of a projection that can be drawn, or an `InputError`. */
function clipOf({ id, axes, clip }: Projection): Clip {
  const problem = undrawable(axes);
  if (problem) throw new InputError(id, problem, { remedy: undrawableRemedy });
  if (!clip) throw new InputError(id, 'was not made of a clip, so there are no frames to show.', { code: 'E_NO_CLIP' });
  return clip;
}

/** How many frames lie between a frame and the middle of the clip; `undefined` for a frame that it does not hold. */
function toMiddle(projection: Projection): (frame: Frame) => number | undefined {
  const { frames, padded } = clipOf(projection);
  const middle = (frames.length - padded - 1) / 2;
  const distances = new Map<string, number>();
  frames.forEach(({ id }, index) => distances.has(id) || distances.set(id, Math.abs(index - middle)));
  return ({ id }) => distances.get(id);
}

async function* alone(projections: AsyncIterable<Projection>): AsyncGenerator<[Projection, undefined]> {
  for await (const projection of projections) yield [projection, undefined];
}

/** Each projection with the next one of its sequence; it waits for that until the sequence, or the stream, has ended. */
async function* withNext(
  projections: AsyncIterable<Projection>,
  interleaved: boolean,
): AsyncGenerator<[Projection, Projection | undefined]> {
  const waiting = new Map<string, Projection>();
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
  const stream = {
    overlapping: context.inputs.some(({ spec }) => spec.overlapping),
    interleaved: context.inputs.some(({ spec }) => spec.interleaved),
  };
  for await (const shot of shots(projections, per, stream)) {
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
