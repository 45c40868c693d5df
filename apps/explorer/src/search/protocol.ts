// What the page and its search workers say to each other.

import type { BundleClip, TokenCode } from '@deepearth/sinks/explorer/bundle-index';

/** A clip as a worker knows it. */
export type SearchedClip = Pick<BundleClip, 'grid' | 'chunk' | 'offset'> & {
  readonly index: number;
  readonly firstStep: number;
};

export type Request =
  /** Comes first: which chunks are this worker's, and what lies in them. */
  | {
      readonly type: 'open';
      readonly url: string;
      readonly code: Pick<TokenCode, 'bytes'>;
      /** Their numbers, and their tokens. */
      readonly chunks: readonly (readonly [chunk: number, tokens: number])[];
      readonly clips: readonly SearchedClip[];
    }
  /** Answered when the chunk of the clip is there. */
  | { readonly type: 'tokens'; readonly id: number; readonly clip: number }
  | { readonly type: 'search'; readonly id: number; readonly weights: Int16Array; readonly factor: number }
  /** Every `stride`-th token of what is there. */
  | { readonly type: 'sample'; readonly id: number; readonly stride: number };

export type Reply =
  | { readonly type: 'loaded'; readonly chunk: number }
  | { readonly type: 'failed'; readonly id?: number; readonly message: string }
  | { readonly type: 'tokens'; readonly id: number; readonly tokens: Int8Array<ArrayBuffer> }
  | { readonly type: 'found'; readonly id: number; readonly steps: FoundSteps }
  | {
      readonly type: 'sampled';
      readonly id: number;
      readonly tokens: Int8Array<ArrayBuffer>;
      readonly places: Uint32Array;
    };

/** What was found in each step of the clips that are there, column by column. */
export interface FoundSteps {
  /** Steps over all clips. */
  readonly step: Uint32Array;
  /** The highest score, and the token of the step that has it. */
  readonly best: Float32Array;
  readonly token: Uint32Array;
  /** Of the scores of all tokens that saw data. */
  readonly sum: Float64Array;
  readonly count: Uint32Array;
}
