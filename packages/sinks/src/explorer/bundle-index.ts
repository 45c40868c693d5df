// What `index.json` of an explorer bundle says, and where its files lie: for the sink that writes it and the page that
// reads it.

import type { EncoderIdentity, Geometry, Georeference, Position } from '@deepearth/core/items';

/** Everything the page knows before it loads a token. */
export interface BundleIndex {
  readonly format: 1;
  /** The name of the pipeline. */
  readonly name: string;
  readonly encoder: EncoderIdentity;
  readonly code: TokenCode;
  /** Tokens of all clips, and how many of them saw no data. */
  readonly tokens: number;
  readonly masked: number;
  readonly sequences: readonly BundleSequence[];
  /** By sequence, in the order of time. */
  readonly clips: readonly BundleClip[];
  /** Tokens of each chunk, whole clips in their order. */
  readonly chunks: readonly number[];
  readonly layers: readonly BundleLayer[];
  /** Where clips lie on the Earth; absent where none says so. */
  readonly places?: BundlePlaces;
}

/** The places of clips, each once. */
export interface BundlePlaces {
  /** Coordinate systems: authority codes ("EPSG:32633") or WKT. */
  readonly systems: readonly string[];
  readonly all: readonly BundlePlace[];
}

/**
 * Where frames lie: how their pixels become coordinates of a system (an index into `systems`), or the point that a
 * camera stands at.
 */
export type BundlePlace = { readonly system: number; readonly transform: Georeference['transform'] } | Position;

/**
 * How the bytes of a token become a vector of `components`, of which the inner product approximates the cosine of the
 * encoder's own tokens. Byte `i` adds `byte · scales[i]` to component `i`; those behind the last component refine the
 * first ones, which all tokens share and where a step of eight bits is too coarse: byte `components + i` adds to
 * component `i`. A token of zeros alone is masked.
 */
export interface TokenCode {
  readonly bytes: number;
  readonly components: number;
  /** Of the encoder's tokens. */
  readonly channels: number;
  readonly scales: readonly number[];
  /**
   * The share of the 20 nearest tokens by exact cosine that the code finds too, over a sample; `null` where there are
   * too few tokens to tell.
   */
  readonly overlap: number | null;
  /** Three principal directions of the vectors, as colours: `(vector - center) · directions[c]` within `limits[c]`. */
  readonly colors: {
    readonly center: readonly number[];
    readonly directions: readonly (readonly number[])[];
    readonly limits: readonly (readonly [low: number, high: number])[];
  };
}

/** One sequence, its frames column by column. */
export interface BundleSequence {
  readonly name: string;
  /** Pixels of a frame, and of its picture in the bundle. */
  readonly frame: { readonly width: number; readonly height: number };
  readonly picture: { readonly width: number; readonly height: number };
  readonly numbers: readonly number[];
  /** ISO 8601, in UTC; absent where no instant is known. */
  readonly at?: readonly (string | null)[];
  /** Seconds since the start of the sequence; absent where they are not known. */
  readonly seconds?: readonly (number | null)[];
  readonly position?: Position;
  /** Positions of frames without a picture; absent where all have one. */
  readonly without?: readonly number[];
}

/** One token grid. */
export interface BundleClip {
  /** Index into `sequences`. */
  readonly sequence: number;
  /** Positions of its frames in the sequence. */
  readonly frames: readonly number[];
  /** `[time, height, width]`. */
  readonly grid: readonly [number, number, number];
  /** The part of the frames that the grid covers, in frame pixels. */
  readonly geometry: Geometry;
  /** Index into the places; absent where its frames have none. */
  readonly place?: number;
  readonly chunk: number;
  /** Tokens of the chunk that come before. */
  readonly offset: number;
}

/** A projection of the run: bytes for each token, in the chunks of the tokens. */
export interface BundleLayer {
  readonly name: string;
  /**
   * `coordinates` are red, green, blue; a `scalar` is 0 to 255 between its limits; a `label` two bytes, the low one
   * first.
   */
  readonly meaning: 'coordinates' | 'scalar' | 'label';
  readonly limits: readonly (readonly [low: number, high: number])[];
  /** Indices of clips that it does not have; absent where it has all. */
  readonly without?: readonly number[];
}

/** Bytes of a token in a layer. */
export const layerBytes = { coordinates: 3, scalar: 1, label: 2 } as const;

const digits = (count: number): string => String(count).padStart(5, '0');

/**
 * float32 `[components, channels]`, little-endian: the directions, in the encoder's channels, of the components of the
 * code.
 */
export const directionsPath = 'directions.bin';

/** int8 `[tokens, bytes]` of a chunk. */
export const tokensPath = (chunk: number): string => `tokens/${digits(chunk)}.bin`;

/** uint8 `[tokens, layerBytes]` of a chunk; `layer` is an index into `layers`. */
export const layerPath = (layer: number, chunk: number): string => `layers/${layer}/${digits(chunk)}.bin`;

/** The JPEG of a frame; both are positions in the index. */
export const picturePath = (sequence: number, frame: number): string => `frames/${sequence}/${digits(frame)}.jpg`;
