// The requirements of renderers on their input.

import {
  axesKnown,
  axisSize,
  isRefusal,
  oneStream,
  readingBytes,
  refuse,
  sequenceCount,
  spec,
  type DescribedInput,
  type Description,
  type Refusal,
  type StreamSpec,
} from '@deepearth/core';
import { annotatedHeight, type Annotations } from './annotated.ts';
import type { ScaleChoice } from './own-limits.ts';

export const undrawableRemedy = 'What has no height and width goes to files: sink/table or sink/features.';

/** Why projections with these axes cannot be drawn. */
export const undrawable = (axes: readonly string[]): string | undefined =>
  axes.join() === 'time,height,width,components'
    ? undefined
    : `this renderer draws projections of [time, height, width, components], not of [${axes.join(', ')}].`;

/** What is chosen of the colours of clips. */
interface Scaling extends Pick<Annotations, 'legend'> {
  readonly scale?: ScaleChoice | undefined;
}

/** The projections of all inputs; refuses anything else, and those of which no colour can be made. */
export function wantProjections(
  inputs: readonly DescribedInput[],
  { scale, legend }: Scaling = {},
): StreamSpec | Refusal {
  if (scale === 'clip' && legend)
    return refuse('a legend has the numbers of the run; with `scale: clip` each clip has others.', {
      option: 'legend',
      remedy: 'Leave out one of the two.',
    });
  const input = oneStream(inputs);
  if (input && isRefusal(input)) return input;
  if (input?.kind !== 'projection')
    return refuse(`this renderer takes projections, not ${input?.kind ?? 'nothing'}.`, {
      remedy:
        input?.kind === 'tokens' ? 'Put a reducer between, reducer/pca or reducer/umap.' : 'Put it behind a reducer.',
    });
  const problem = axesKnown(input) ? undrawable(input.axes.map(({ name }) => name)) : undefined;
  if (problem) return refuse(problem, { remedy: undrawableRemedy });
  if (axisSize(input, 'components') === 0) return refuse('a projection without components has no colours.');
  return input;
}

/**
 * `describe` of a renderer that draws one RGB picture for each frame of the projections' clips; each frame is shown
 * once, so there are as many pictures as frames, or fewer where windows leave some out.
 */
export const describeFramePictures = (
  inputs: readonly DescribedInput[],
  layerOf: (reducer: string) => string,
  /** Of a frame's pixels. */
  pixels: (frame: FrameSize) => FrameSize = (frame) => frame,
  { overlap = 'once', ...options }: Scaling & Annotations & { readonly overlap?: 'once' | 'every' | undefined } = {},
): Description | Refusal => {
  const input = wantProjections(inputs, options);
  if (isRefusal(input)) return input;
  const { height = null, width = null, count: frames = null } = input.frames ?? {};
  // How many frames a clip has is not told here.
  const count = overlap === 'once' ? frames : null;
  const shown = pixels({ height, width });
  return {
    output: {
      ...spec(
        'picture',
        { height: annotatedHeight(shown.width, shown.height, options), width: shown.width, channels: 3 },
        'uint8',
      ),
      ...(count !== null && { most: { count } }),
      ...layersOf(input, layerOf),
    },
    memoryBytes: readingBytes(input),
  };
};

/** The pictures of a renderer that draws one for each sequence and layer, `size` without what is written beside it. */
export function sequencePictures(
  inputs: readonly DescribedInput[],
  input: StreamSpec,
  { height, width }: FrameSize,
  annotations: Annotations,
  layerOf: (reducer: string) => string,
): StreamSpec {
  const count = input.names && input.sequences !== null ? sequenceCount(inputs) * input.names.length : null;
  return {
    ...spec('picture', { height: annotatedHeight(width, height, annotations), width, channels: 3 }, 'uint8', null),
    ...(count !== null && { most: { count } }),
    ...layersOf(input, layerOf),
  };
}

/** Pixels of a frame, as far as they are known. */
export interface FrameSize {
  readonly height: number | null;
  readonly width: number | null;
}

/** The layers that projections of the input's reducers become. */
export const layersOf = (
  input: StreamSpec | undefined,
  layerOf: (reducer: string) => string,
): Pick<StreamSpec, 'names'> => (input?.names ? { names: input.names.map(layerOf) } : {});
