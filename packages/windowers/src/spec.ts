// What windowers say of the clips they make.

import {
  axisSize,
  countsOf,
  refuse,
  sentTwice,
  spec,
  type DescribedInput,
  type Refusal,
  type StreamSpec,
} from '@deepearth/core';

/** Clips of `size` frames of the given stream; `counts` has those of each sequence, `null` where they are not known. */
export const clipSpec = (frames: StreamSpec, size: number, counts: readonly number[] | null): StreamSpec => ({
  ...spec(
    'clip',
    {
      time: size,
      height: axisSize(frames, 'height'),
      width: axisSize(frames, 'width'),
      channels: axisSize(frames, 'channels'),
    },
    frames.dtype,
    counts && counts.reduce((sum, count) => sum + count, 0),
  ),
  ...(counts && { counts }),
});

/** Refuses anything but frames, and one sequence that comes from two inputs. */
export function wantFrames(inputs: readonly DescribedInput[]): Refusal | undefined {
  const other = inputs.find(({ spec: { kind } }) => kind !== 'frame');
  if (other || inputs.length === 0)
    return refuse(`a windower takes frames, not ${other?.spec.kind ?? 'nothing'}.`, {
      remedy: 'Put it behind a source.',
    });
  return sentTwice(inputs);
}

/** What a plan says where frames of one sequence differ in size: encoders need one size in a clip. */
export const sizeWarnings = (inputs: readonly DescribedInput[], size: number): string[] =>
  size > 1 && inputs.some((input) => input.spec.mixedSizes)
    ? [
        'frames of one sequence differ in size; a clip that holds frames of two sizes cannot be encoded (E_FRAME_SIZE), and `windower/still` makes clips of one frame each',
      ]
    : [];

/**
 * What comes in altogether: the sizes that all inputs share, and a count where every input knows its own. `counts` has
 * the frames of each sequence; `null` where one input does not know, or holds sequences of lengths that it does not
 * tell.
 */
export function allFrames(inputs: readonly DescribedInput[]): { stream: StreamSpec; counts: readonly number[] | null } {
  const [first, ...rest] = inputs.map((input) => input.spec) as [StreamSpec, ...StreamSpec[]];
  const all = [first, ...rest];
  const axes = first.axes.map(({ name, size }) => ({
    name,
    size: rest.every((stream) => axisSize(stream, name) === size) ? size : null,
  }));
  const counts = all.map(
    (each) => countsOf(each) ?? (each.sequences === undefined && each.count !== null ? [each.count] : null),
  );
  return {
    stream: { ...first, axes, dtype: rest.every(({ dtype }) => dtype === first.dtype) ? first.dtype : null },
    counts: counts.every((each) => each !== null) ? counts.flat() : null,
  };
}
