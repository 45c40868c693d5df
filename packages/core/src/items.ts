// The items that pass along the edges of a graph. Items are values; pixels are read on demand.

import type { Tensor } from './tensor.ts';

/**
 * Anything that passes between stages. `id` names it for people and in file names ("clip-000003", unique within a
 * stream); `key` is its lineage: a hex digest of everything its content depends on (input bytes, options, weights), the
 * same on every machine, which resuming and caching go by.
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

/** A place on the Earth, in degrees of WGS 84 (EPSG:4326): longitude from -180 to 180, latitude from -90 to 90. */
export interface Position {
  readonly longitude: number;
  readonly latitude: number;
}

/** A rectangle in pixels; `x` and `y` are its upper left corner. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Anything that JSON can say. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * Where the pixels of a frame come from, as plain data: written in one process, opened in another by the source it
 * names, and read there with the same digest.
 */
export interface Locator {
  /** The stage type that opens it: "source/frames", "transform/mask". */
  readonly source: string;
  /**
   * A path as the user gave it (relative to the working directory, or absolute), a URL, or a scheme of the source's
   * own.
   */
  readonly uri: string;
  /** SHA-256 of the bytes behind `uri`, where the source has read them all. */
  readonly sha256?: string;
  /** Which picture of a file of several pages, from 0. */
  readonly page?: number;
  /** Which frame of a video or a data cube, from 0. */
  readonly index?: number;
  /** The moment in a video. */
  readonly seconds?: number;
  /** The part of the picture that is the frame, in the picture's pixels. */
  readonly window?: Rectangle;
  /** The options that decide the pixels. */
  readonly decode?: { readonly [option: string]: Json };
}

/** What is read of a frame; all of it by default. */
export interface ReadOptions {
  /** The part that is wanted, in pixels of the frame; it has to lie within the frame. */
  readonly window?: Rectangle;
  /** A whole factor: the raster comes with `ceil(width / overview)` columns, each value the mean of what it covers. */
  readonly overview?: number;
  readonly signal?: AbortSignal;
}

/** One picture of a sequence. Everything but `read` survives JSON. */
export interface Frame extends Item {
  readonly kind: 'frame';
  /** Which camera, video, scene or tile it belongs to; one name for a plain folder. */
  readonly sequence: string;
  /** Its number in the sequence, as the file name or the source counts. */
  readonly number: number;
  /** The instant it shows, ISO 8601 in UTC ("2024-02-22T10:15:00Z"); absent where the source knows none. */
  readonly at?: string;
  /** Time from the start of the sequence, in seconds; absent where the source knows none. */
  readonly seconds?: number;
  /** The part of a larger scene that it shows, in that scene's pixels. */
  readonly footprint?: Rectangle;
  readonly width: number;
  readonly height: number;
  readonly georeference?: Georeference;
  /**
   * Where it was taken, or what it is about as a whole: where a camera stands. Where each pixel lies is `georeference`.
   */
  readonly position?: Position;
  /** What else its source knows of it, by name: the further columns of a list. */
  readonly metadata?: { readonly [name: string]: Json };
  /**
   * The values that are shown as black and white, one pair for the whole series, and what encoders take for them unless
   * they have a `range` of their own; absent for 8-bit pictures.
   */
  readonly range?: readonly [low: number, high: number];
  readonly locator: Locator;
  /**
   * Reads the pixels that are asked for and, where the source can, no others. Throws a `StageError` or an `InputError`
   * that names the locator's `uri` when they cannot be read, and a `RangeError` for a window that leaves the frame.
   */
  read(options?: ReadOptions): Promise<Raster>;
}

/** A frame without its pixels, as files and other processes know it. */
export type FrameRecord = Omit<Frame, 'read'>;

/** The frames of one window of one sequence, in order. */
export interface Clip extends Item {
  readonly kind: 'clip';
  readonly sequence: string;
  /** Its number in its sequence, from 0. */
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

/**
 * What a token grid was computed from. A kind `picture` covers parts of frames; other modalities describe in their own
 * terms what a token covers (`{ kind: 'text', uri: 'notes.txt' }`), as plain data.
 */
export interface Origin {
  readonly kind: string;
  readonly [property: string]: unknown;
}

/** The origin of tokens that saw the frames of a clip: time is the first axis, height and width cover `geometry`. */
export interface PictureOrigin extends Origin {
  readonly kind: 'picture';
  readonly geometry: Geometry;
}

/** The part of the frames that a grid covers; `undefined` where it did not see pictures. */
export const geometryOf = ({ origin }: { readonly origin?: Origin }): Geometry | undefined =>
  origin?.kind === 'picture' ? (origin as PictureOrigin).geometry : undefined;

/** What belongs to a grid of tokens and of what is made of them. */
export interface Grid extends Item {
  /**
   * Names of the axes of `values`, outermost first: `['time', 'height', 'width', 'channels']`, `['token', 'channels']`.
   */
  readonly axes: readonly string[];
  readonly origin: Origin;
  /** The clip it was made of, where there was one. */
  readonly clip?: Clip;
}

/** An encoder's output for one item. */
export interface TokenGrid extends Grid {
  readonly kind: 'tokens';
  /** One token per cell of all axes but the last, which is `channels`. */
  readonly values: Tensor<'float32' | 'float16'>;
  /**
   * One number per token, in the order of `values`: the share of its pixels that hold data, 0 (none: the token is
   * masked) to 255 (all). Absent when all are whole.
   */
  readonly valid?: Uint8Array;
  /** Tokens that belong to no place: class and register tokens. */
  readonly globals?: GlobalTokens;
  /** Which encoder, weights and precision made it; tokens of different encoders do not mix. */
  readonly encoder: EncoderIdentity;
}

/** Tokens that belong to no place of a grid. */
export interface GlobalTokens {
  /** What they are, along the axis `name`: "class", "register-1". */
  readonly names: readonly string[];
  /**
   * Names of the axes of `values`; the last two are `name` and `channels`, a `time` before them is that of the grid.
   */
  readonly axes: readonly string[];
  readonly values: Tensor<'float32'>;
}

/** Which encoder made tokens. Two are the same encoder when their fingerprints are equal, whatever their names. */
export interface EncoderIdentity {
  /** For people and file metadata: "facebook/vjepa2-vitg-fpc64-384". */
  readonly name: string;
  /** Hex digest of architecture, weights, precision and graph version. */
  readonly fingerprint: string;
}

/** An aggregated vector `[channels]`, or a grid of vectors with its own axes. */
export interface Embedding extends Grid {
  readonly kind: 'embedding';
  readonly values: Tensor<'float32'>;
  readonly encoder: EncoderIdentity;
}

/** A token grid reduced to a few numbers per token. */
export interface Projection extends Grid {
  readonly kind: 'projection';
  /**
   * The grid's axes with `components` in place of `channels`, as the reducer returns them, not yet scaled to colours.
   */
  readonly values: Tensor<'float32'>;
  /** The same as `TokenGrid.valid`. */
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
  /** What each component is, where it is not simply the first, second, third that the reducer found: "red". */
  readonly componentNames?: readonly string[];
  /** Of labels, what the groups are called, where they have names. */
  readonly groupNames?: readonly string[];
}

/** What the colours of a picture stand for. */
export interface Legend extends Pick<Projection, 'reducer' | 'meaning' | 'limits' | 'componentNames'> {
  /**
   * `[colors, 3]`: those of one number from its low limit to its high one, or one for each group. Absent for
   * coordinates:
   * three or more are red, green, blue; two are red and green over a blue that falls with both.
   */
  readonly colors?: Uint8Array;
}

/** Where a frame stands in a clip: numbers of frames, as their names and files have them, and positions from 0. */
export interface ClipPlace {
  /** The numbers of the first and the last frame of the clip. */
  readonly first: number;
  readonly last: number;
  /** The step of time of the token grid that saw the frame, and the numbers of the first and the last frame it saw. */
  readonly step: number;
  readonly stepFirst: number;
  readonly stepLast: number;
  /** Which frame of the clip it is. */
  readonly position: number;
}

/** RGB pixels that a renderer made for one frame (or one step of time). */
export interface Picture extends Item {
  readonly kind: 'picture';
  /** `[height, width, 3]`, or 4 channels where the last is opacity. */
  readonly pixels: Tensor<'uint8'>;
  /** The frame it shows; its number orders pictures of a sequence. */
  readonly frame: Frame;
  /** Where in a clip the frame stands, where it is shown as part of one. */
  readonly place?: ClipPlace;
  /** What it is a picture of, for file names: "umap-overlay", "pca-tokens". */
  readonly layer: string;
  /** What its colours stand for, for those who draw a legend; one for each projection it shows. */
  readonly legends?: readonly Legend[];
  /** The same picture as an SVG document, from renderers that draw points and lines. */
  readonly svg?: () => string;
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
  /** The `key` of each item it holds without loss, so that resuming can read it instead of making it again. */
  readonly holds?: string | readonly string[];
  readonly about?: ArtifactAbout;
}

/** What a file holds, so that its path need not be parsed. */
export interface ArtifactAbout {
  /** Kind of the items in it: 'tokens', 'embedding', 'projection', 'picture', or 'artifact' for a package of files. */
  readonly kind: string;
  readonly sequence?: string;
  /** Id of the clip. */
  readonly clip?: string;
  /** Numbers of the frames it shows or was made of, in order. */
  readonly frames?: readonly number[];
  /** Of a file of several items what each is called in it, in order. */
  readonly items?: readonly string[];
  /** The layer of pictures: "umap-overlay". */
  readonly layer?: string;
  /** The reducer of projections: "umap". */
  readonly reducer?: string;
  /** Axes of its values with their sizes, and their type. */
  readonly axes?: { readonly [name: string]: number };
  readonly dtype?: string;
}

/** The kinds that come with the system; other kinds may travel between stages that know them. */
export type KnownItem = Frame | Clip | TokenGrid | Embedding | Projection | Picture | Artifact;
