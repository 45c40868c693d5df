// What windowers say of the clips they make.

import { axisSize, refuse, spec, type Refusal, type StreamSpec } from '@deepearth/core';

/** Clips of `size` frames of the given stream. */
export const clipSpec = (frames: StreamSpec, size: number, count: number | null): StreamSpec =>
  spec(
    'clip',
    {
      time: size,
      height: axisSize(frames, 'height'),
      width: axisSize(frames, 'width'),
      channels: axisSize(frames, 'channels'),
    },
    frames.dtype,
    count,
  );

/** Refuses anything but frames. */
export const wantFrames = (input: StreamSpec | undefined): Refusal | undefined =>
  input?.kind === 'frame'
    ? undefined
    : refuse(`a windower takes frames, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it behind a source.' });
