// A bundle as the page knows it: its index, and where each clip and step lies.

import type { BundleClip, BundleIndex } from '@deepearth/sinks/explorer/bundle-index';

/** An opened bundle. */
export interface Bundle extends BundleIndex {
  /** Ends in a slash. */
  readonly url: string;
  /** Indices of the clips of each sequence, in their order. */
  readonly clipsOf: readonly (readonly number[])[];
  /** For each clip, how many steps of time come before it, over all clips. */
  readonly stepsBefore: Uint32Array;
  /** For each sequence the clip that shows each frame; -1 where none does. */
  readonly shownBy: readonly Int32Array[];
  readonly steps: number;
}

/**
 * Fetches the index; `undefined` where a run goes and has made nothing to see yet. Throws an error with words for
 * people where there is none.
 */
export async function openBundle(url: string): Promise<Bundle | undefined> {
  const response = await fetch(`${url}index.json`).catch((cause: unknown) => {
    throw new Error('The data of this page cannot be reached. Is deepearth explore still running?', { cause });
  });
  if (response.status === 204) return undefined;
  if (!response.ok) throw new Error(`The data of this page is not there (${response.status} for ${url}index.json).`);
  const index = (await response.json()) as BundleIndex;
  if (index.format !== 1)
    throw new Error(
      `The data is of format ${index.format as number}, which this page does not know: update deepearth.`,
    );
  // That of a run that goes has a number in its address.
  return placed(index, new URL('.', response.url).href);
}

/** The number of the bundle of a run that goes; `undefined` for one that stays. */
export function versionOf({ url }: Pick<Bundle, 'url'>): number | undefined {
  const version = /\/data\/(\d+)\/$/.exec(url)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** The same with what follows from the index. */
export function placed(index: BundleIndex, url: string): Bundle {
  const clipsOf: number[][] = index.sequences.map(() => []);
  const stepsBefore = new Uint32Array(index.clips.length);
  let steps = 0;
  index.clips.forEach(({ sequence, grid }, clip) => {
    clipsOf[sequence]!.push(clip);
    stepsBefore[clip] = steps;
    steps += grid[0];
  });
  const shownBy = index.sequences.map(({ numbers }, sequence) =>
    nearestClips(numbers.length, clipsOf[sequence]!, index.clips),
  );
  return { ...index, url, clipsOf, stepsBefore, steps, shownBy };
}

export const tokensOf = ({ grid: [time, height, width] }: BundleClip): number => time * height * width;

/** The step of time that saw a frame of a clip. */
export const stepOf = ({ frames, grid: [time] }: BundleClip, frame: number): number =>
  Math.min(time - 1, Math.floor((Math.max(0, frames.indexOf(frame)) * time) / frames.length));

/** The first frame that a step saw. */
export const frameOfStep = ({ frames, grid: [time] }: BundleClip, step: number): number =>
  frames[Math.min(frames.length - 1, Math.ceil((step * frames.length) / time))]!;

/** The clip that shows each frame: of several the one whose middle is nearest. */
function nearestClips(frames: number, clips: readonly number[], all: readonly BundleClip[]): Int32Array {
  const found = new Int32Array(frames).fill(-1);
  const nearest = new Float32Array(frames).fill(Infinity);
  for (const clip of clips) {
    const { frames: own } = all[clip]!;
    own.forEach((frame, at) => {
      const distance = Math.abs(at - (own.length - 1) / 2);
      if (distance < nearest[frame]!) [nearest[frame], found[frame]] = [distance, clip];
    });
  }
  return found;
}

/** The clip that shows a frame; `undefined` where none holds it. */
export function clipOfFrame({ shownBy }: Pick<Bundle, 'shownBy'>, sequence: number, frame: number): number | undefined {
  const clip = shownBy[sequence]?.[frame] ?? -1;
  return clip < 0 ? undefined : clip;
}
