// What travels along the edges of a graph. Items are values; pixels are read when somebody asks for them.

import type { Tensor } from './tensor.ts';

/**
 * Anything that travels. `id` names it for people and in file names ("clip-000003", unique within a stream);
 * `key` is its lineage: a hex digest of everything its content depends on (input bytes, options, weights), the same
 * on every machine, which resuming and caching go by.
 */
export interface Item {
  readonly kind: string;
  readonly id: string;
  readonly key: string;
}

/** Values of one frame, `[height, width, channels]`. */
export interface Raster {
  readonly values: Tensor<'uint8' | 'uint16' | 'int16' | 'float32'>;
  /** Names of the channels; red, green, blue for a picture. */
  readonly channels: readonly string[];
  /** `[height, width]`, 1 where the pixel holds data; absent when all do. */
  readonly valid?: Uint8Array;
}

/** Where a frame lies on the Earth. */
export interface Georeference {
  /** Authority code ("EPSG:32633") or WKT. */
  readonly crs: string;
  /** `[a, b, c, d, e, f]`: x = a·column + b·row + c, y = d·column + e·row + f, of a pixel's upper left corner. */
  readonly transform: readonly [number, number, number, number, number, number];
}

/** One picture of a sequence. */
export interface Frame extends Item {
  readonly kind: 'frame';
  /** Its number in the sequence, as the file name or the source counts. */
  readonly number: number;
  /** Time from the start of the sequence, in seconds; absent when the source knows none. */
  readonly seconds?: number;
  /** Where it came from, for people: a path, a URL, "synthetic weather, seed 7". */
  readonly origin: string;
  readonly width: number;
  readonly height: number;
  readonly georeference?: Georeference;
  /** Reads the pixels. Throws a `StageError` naming the origin when they cannot be read. */
  read(signal?: AbortSignal): Promise<Raster>;
}

/** The frames of one window, in order. */
export interface Clip extends Item {
  readonly kind: 'clip';
  /** Its number in the stream, from 0. */
  readonly index: number;
  readonly frames: readonly Frame[];
  /** How many of the last frames repeat the one before them to fill the window; 0 for most clips. */
  readonly padded: number;
}

/**
 * Which part of a frame a grid of tokens covers, in frame pixels. The rectangle may reach beyond the frame (padding) or
 * leave out its edges (centre crop); cell `(row, column)` of an `h x w` grid covers
 * `x + column · width / w … x + (column + 1) · width / w`, and likewise for y.
 */
export interface Geometry {
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An encoder's output for one clip. */
export interface TokenGrid extends Item {
  readonly kind: 'tokens';
  /** `[time, height, width, channels]`. */
  readonly values: Tensor<'float32' | 'float16'>;
  /** `[time, height, width]`, 0 where a token saw nothing but pixels without data; absent when all are good. */
  readonly valid?: Uint8Array;
  readonly clip: Clip;
  readonly geometry: Geometry;
  /** Which encoder, weights and precision made it; tokens of different encoders do not mix. */
  readonly encoder: EncoderIdentity;
}

export interface EncoderIdentity {
  /** For people and file metadata: "facebook/vjepa2-vitg-fpc64-384". */
  readonly name: string;
  /** Hex digest of architecture, weights, precision and graph version. */
  readonly fingerprint: string;
}

/** An aggregated vector `[channels]`, or a grid of vectors with its own axes. */
export interface Embedding extends Item {
  readonly kind: 'embedding';
  readonly values: Tensor<'float32'>;
  /** Names of the axes of `values`: `['channels']`, `['time', 'channels']`, … */
  readonly axes: readonly string[];
  readonly clip: Clip;
  readonly encoder: EncoderIdentity;
}

/** A token grid reduced to a few numbers per token. */
export interface Projection extends Item {
  readonly kind: 'projection';
  /** `[time, height, width, components]`, as the reducer returns them, not yet scaled to colours. */
  readonly values: Tensor<'float32'>;
  readonly valid?: Uint8Array;
  /** One pair per component over the whole run: the values that become 0 and 1 of a colour. */
  readonly limits: readonly (readonly [low: number, high: number])[];
  /**
   * What the numbers are: a point in colour space, one number for a colour map, or the number of a group (`limits` are
   * then [0, groups - 1]).
   */
  readonly meaning: 'coordinates' | 'scalar' | 'label';
  /** Names the reducer for file names and captions: "umap", "pca". */
  readonly reducer: string;
  readonly clip: Clip;
  readonly geometry: Geometry;
}

/** RGB pixels that a renderer made for one frame (or one step of time). */
export interface Picture extends Item {
  readonly kind: 'picture';
  /** `[height, width, 3]`, or 4 channels where the last is opacity. */
  readonly pixels: Tensor<'uint8'>;
  /** The frame it shows; its number orders pictures of a sequence. */
  readonly frame: Frame;
  /** What it is a picture of, for file names: "umap-overlay", "pca-tokens". */
  readonly layer: string;
}

/** A file that a sink wrote. */
export interface Artifact extends Item {
  readonly kind: 'artifact';
  /** Relative to the run's output folder, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Media type: "image/png", "application/zip". */
  readonly mediaType: string;
  /** The `key` of the one item it holds without loss, so that resuming can read it instead of making it again. */
  readonly holds?: string;
}

/** The kinds that come with the system; other kinds may travel between stages that know them. */
export type KnownItem = Frame | Clip | TokenGrid | Embedding | Projection | Picture | Artifact;
