// The patch embedding of the built-in checkpoint: orthonormal 3-D cosine filters over a tubelet of 2 frames x 16 x 16
// pixels.

const patch = 16;
const tubelet = 2;

/** Orthonormal colour axes: brightness, red against blue, green against both. */
const colourAxes = {
  luma: [1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)],
  warmth: [1 / Math.sqrt(2), 0, -1 / Math.sqrt(2)],
  green: [-1 / Math.sqrt(6), 2 / Math.sqrt(6), -1 / Math.sqrt(6)],
} as const;
export type ColourAxis = keyof typeof colourAxes;
export const colourNames = Object.keys(colourAxes) as ColourAxis[];

/**
 * One filter: a cosine of `down` half waves over the rows and `across` half waves over the columns; `time` 1 is the
 * difference between the two frames.
 */
export interface Filter {
  readonly colour: ColourAxis;
  readonly time: 0 | 1;
  readonly down: number;
  readonly across: number;
}

/** Half waves over the patch, both axes together. */
export const frequency = ({ down, across }: Filter): number => Math.hypot(down, across);

function listFilters(): Filter[] {
  const filters: Filter[] = [];
  /** The highest sum of half waves that is kept: brightness finer than colour, change coarser than what stays. */
  const kept = { luma: [7, 5], warmth: [2, 1], green: [2, 1] } as const;
  for (const colour of colourNames)
    for (const time of [0, 1] as const)
      for (let sum = 0; sum <= kept[colour][time]; sum++)
        for (let down = sum; down >= 0; down--) filters.push({ colour, time, down, across: sum - down });
  // A few fine gratings, so that grass and sand, asphalt and roof differ.
  for (const [down, across] of [
    [0, 9],
    [9, 0],
    [0, 12],
    [12, 0],
    [6, 6],
    [9, 9],
    [5, 10],
    [10, 5],
  ] as const)
    filters.push({ colour: 'luma', time: 0, down, across });
  return filters;
}

/** All filters, in the order of their channels; the first is the mean brightness. */
export const filters: readonly Filter[] = listFilters();

export const filterIndex = (colour: ColourAxis, time: 0 | 1, down: number, across: number): number =>
  filters.findIndex(
    (filter) => filter.colour === colour && filter.time === time && filter.down === down && filter.across === across,
  );

/** The orthonormal cosine of `wave` half waves at sample `at` of `length`. */
const cosine = (wave: number, at: number, length: number): number =>
  Math.sqrt((wave === 0 ? 1 : 2) / length) * Math.cos((Math.PI * wave * (at + 0.5)) / length);

/** Writes a filter's weights, `[3, 2, 16, 16]`, times `sign`, at `offset`. */
export function writeFilter(
  { colour, time, down, across }: Filter,
  sign: number,
  out: Float32Array,
  offset: number,
): void {
  let at = offset;
  for (const share of colourAxes[colour])
    for (let t = 0; t < tubelet; t++)
      for (let y = 0; y < patch; y++)
        for (let x = 0; x < patch; x++)
          out[at++] = sign * share * cosine(time, t, tubelet) * cosine(down, y, patch) * cosine(across, x, patch);
}
