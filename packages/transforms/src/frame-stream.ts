// What transforms of frames take, and how they say the size of what they send.

import { isRefusal, oneStream, refuse, type DescribedInput, type Refusal, type StreamSpec } from '@deepearth/core';

/** The stream of all inputs, or a refusal where they are not frames that go together. */
export function wantFrames(inputs: readonly DescribedInput[]): StreamSpec | Refusal {
  const input = oneStream(inputs);
  if (input && isRefusal(input)) return input;
  if (input?.kind === 'frame') return input;
  return refuse(`it takes frames, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it behind a source.' });
}

/** The axes of a stream with another height and width; `null` where one is not known. */
export const resized = (
  { axes }: StreamSpec,
  sizes: { readonly height: number | null; readonly width: number | null },
): StreamSpec['axes'] =>
  axes.map((axis) => (axis.name === 'height' || axis.name === 'width' ? { ...axis, size: sizes[axis.name] } : axis));
