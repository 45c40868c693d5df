// One definition per reduction: what the stage `reducer/NAME`, `deepearth reduce` and a fit in parts have in common.

import type { EncoderIdentity } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import type { z } from 'zod';
import type { FittedReducer, Json, ModelKind, ModelState, Progress } from '../models/model.ts';
import type { GridRows, SeenGrid } from '../tokens/grid-rows.ts';

/** What goes along with whatever takes time. */
export interface Running {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
  /** Told what a user may not expect: a model that carries no digest. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Tokens that can be read again once all have come. */
export interface StoredTokens {
  /** Numbers per token. */
  readonly channels: number;
  /** Valid tokens of a grid by their numbers among its valid ones, ascending, in chunks `[rows, channels]`. */
  pick(grid: number, numbers: Uint32Array, signal?: AbortSignal): AsyncIterable<Float32Array>;
}

/** What a reduction found in a range of the tokens of an input. Parts that lie side by side merge. */
export interface Part<Content = unknown> {
  readonly reduction: string;
  readonly channels: number;
  /** The first token and the one after the last: numbers over the whole input, counting tokens without data too. */
  readonly from: number;
  readonly to: number;
  /** How many of them saw data. */
  readonly count: number;
  /** What has to be the same in parts that merge: the options that shape them. */
  readonly settings: Readonly<Record<string, Json>>;
  /** The encoder of the tokens; absent where it is not known. */
  readonly encoder?: EncoderIdentity;
  readonly content: Content;
}

/** Makes the content of a part from tokens that come grid by grid. */
export interface Collector<Content> {
  /**
   * Sees the tokens of a grid, or the next of it, as they come; in order, without a gap. The rows may be changed
   * afterwards.
   */
  see(tokens: GridRows, grid: SeenGrid): Promise<void>;
  /** Makes the content, once all were seen. */
  finish(stored: StoredTokens): Promise<Content>;
  /** Gives up, or does nothing after `finish`. */
  close(): Promise<void>;
}

/** Where a collector begins. */
export interface Beginning {
  readonly channels: number;
  /** The number of the first token, see `Part`. */
  readonly from: number;
}

/** How many tokens there are (`null` where that is not known yet) and numbers per token. */
export interface TokenCount {
  readonly count: number | null;
  readonly channels: number;
}

/** A fit, which can be saved or not. */
export type Fitted = Omit<FittedReducer, 'kind' | 'state'> & Partial<Pick<FittedReducer, 'kind' | 'state'>>;

/** A way to reduce tokens. `Options` are what `options` parses. */
export interface Reduction<Options = any, Content = any> {
  readonly name: string;
  readonly options: z.ZodObject;
  /** Numbers per token of the output. */
  components(options: Options, channels: number): number;
  /** Bytes a fit holds at its peak, beside the output. */
  estimate(tokens: TokenCount, options: Options): number;
  /** See `Part`. */
  settings(options: Options): Readonly<Record<string, Json>>;
  partial(beginning: Beginning, options: Options, running: Running): Collector<Content>;
  /** Joins neighbours, in the order of their tokens and at least one; they stay as they are. */
  merge(parts: readonly Part<Content>[], options: Options, running: Running): Promise<Content>;
  /** Fits to a part that is the whole input and holds a valid token; it stays as it is. */
  fit(part: Part<Content>, options: Options, running: Running): Promise<Fitted>;
  /** A part's content as tensors and JSON, and back. */
  pack(content: Content): Promise<Packed>;
  unpack(packed: Packed, channels: number, subject: string): Content;
}

/** What a file holds. */
export interface Packed {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, Json>>;
}

/** A reduction whose fits can be saved, and used by `deepearth reduce`. */
export interface SavableReduction<Options = any, Content = any> extends Reduction<Options, Content> {
  readonly name: ModelKind;
  fit(part: Part<Content>, options: Options, running: Running): Promise<FittedReducer>;
  /** Whether its fits go back from projections to tokens. */
  readonly inverts: boolean;
  /** Channels and components of a saved fit, by the shapes of its tensors. */
  sizes(
    shape: (tensor: string) => readonly number[],
  ): readonly [channels: number | undefined, components: number | undefined];
  /** Makes a saved fit a reducer again. Throws an `InputError` when the state is not whole. */
  restore(state: ModelState, subject: string): Promise<FittedReducer>;
}
