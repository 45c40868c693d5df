// Colour maps for single numbers, and a palette for groups, as small tables.

/** Names of the maps from numbers to colours. */
export const colorMapNames = ['viridis', 'magma', 'cividis', 'turbo', 'gray'] as const;
/** Names of the colour maps. */
export type ColorMapName = (typeof colorMapNames)[number];

type Polynomial = readonly number[];

/** Coefficients for red, green and blue, lowest power first, over 0 … 1, to be multiplied by `scale`. */
interface Polynomials {
  readonly scale: number;
  readonly channels: readonly [Polynomial, Polynomial, Polynomial];
}

/**
 * Published fits: viridis and magma by M. Zucker (public domain) after N. Smith and S. van der Walt, cividis by J.
 * Davies after Nuñez, Anderton and Renslow 2018, turbo by A. Mikhailov. They are within a few levels of 255 of the
 * tables they stand for, at worst 14 (the light end of cividis) and 32 (the dark ends of turbo).
 */
const fits: Readonly<Record<Exclude<ColorMapName, 'gray'>, Polynomials>> = {
  viridis: {
    scale: 255,
    channels: [
      [
        0.2777273272234177, 0.1050930431085774, -0.3308618287255563, -4.634230498983486, 6.228269936347081,
        4.776384997670288, -5.435455855934631,
      ],
      [
        0.005407344544966578, 1.404613529898575, 0.214847559468213, -5.799100973351585, 14.17993336680509,
        -13.74514537774601, 4.645852612178535,
      ],
      [
        0.3340998053353061, 1.384590162594685, 0.09509516302823659, -19.33244095627987, 56.69055260068105,
        -65.35303263337234, 26.3124352495832,
      ],
    ],
  },
  magma: {
    scale: 255,
    channels: [
      [
        -0.002136485053939582, 0.2516605407371642, 8.353717279216625, -27.66873308576866, 52.17613981234068,
        -50.76852536473588, 18.65570506591883,
      ],
      [
        -0.000749655052795221, 0.6775232436837668, -3.577719514958484, 14.26473078096533, -27.94360607168351,
        29.04658282127291, -11.48977351997711,
      ],
      [
        -0.005386127855323933, 2.494026599312351, 0.3144679030132573, -13.64921318813922, 12.94416944238394,
        4.23415299384598, -5.601961508734096,
      ],
    ],
  },
  cividis: {
    scale: 1,
    channels: [
      [-4.54, -35.34, 2381.73, -6402.7, 7024.72, -2710.57],
      [32.49, 170.73, 52.82, -131.46, 176.58, -67.37],
      [81.24, 442.36, -2482.43, 6167.24, -6614.94, 2475.67],
    ],
  },
  turbo: {
    scale: 255,
    channels: [
      [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
      [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
      [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
    ],
  },
};

const tables = new Map<ColorMapName, Uint8Array>();

/** 256 colours from low to high, `[256, 3]`. */
export function colorMap(name: ColorMapName): Uint8Array {
  const known = tables.get(name);
  if (known) return known;
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    for (let c = 0; c < 3; c++) {
      const value =
        name === 'gray'
          ? i
          : fits[name].scale * fits[name].channels[c]!.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
      table[i * 3 + c] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
  tables.set(name, table);
  return table;
}

/** Colours that stay apart for most kinds of colour vision, in the order in which they are used. */
const categories = [
  [31, 119, 180],
  [255, 160, 46],
  [44, 140, 60],
  [206, 52, 58],
  [148, 106, 196],
  [124, 82, 60],
  [232, 122, 196],
  [92, 208, 214],
  [188, 190, 44],
  [70, 76, 90],
  [158, 216, 140],
  [246, 190, 168],
] as const;

/** The colour of group `label`; from the 13th on the same colours come again, darker and lighter in turn. */
export function categoryColor(label: number): readonly [number, number, number] {
  const base = categories[label % categories.length]!;
  const round = Math.floor(label / categories.length);
  if (round === 0) return base;
  const towards = round % 2 ? 0 : 255;
  const share = 1 - 1 / (1 + Math.ceil(round / 2) * 0.6);
  return [base[0], base[1], base[2]].map((v) => Math.round(v + (towards - v) * share)) as [number, number, number];
}
