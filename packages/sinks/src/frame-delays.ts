// How long the frames of an animation are shown, in whole ticks of a format.

/**
 * The delay of frame `index`, in ticks. Rounding errors are carried along, so that `n` frames last `n / fps` seconds to
 * within half a tick: in a GIF, which counts hundredths, 12 frames a second are 8, 9, 8, 8, 9, 8, … and not always 8.
 */
export const delayInTicks = (index: number, fps: number, ticksPerSecond: number): number =>
  Math.round(((index + 1) * ticksPerSecond) / fps) - Math.round((index * ticksPerSecond) / fps);
