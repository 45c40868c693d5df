// The interface of a family of encoders: what the shared parts need of an encoder's package, as one value.

import type { Tensor } from '@deepearth/core/tensor';
import type { EncoderArchitecture, Grid } from './architecture.ts';
import type { AttentionForm } from './devices.ts';
import type { PlacedWeight } from './placed-weights.ts';
import type { Published } from './published.ts';
import type { Tensors } from './session-protocol.ts';

/** What a stored tensor is. */
export type Meaning =
  /** Weights of the encoder by the project's names; several names share a tensor's rows equally. */
  | { readonly encoder: readonly string[] }
  /** A weight of what stands on top of the encoder (a classifier), by its name in the file without wrappers. */
  | { readonly head: string }
  /** Belongs to such checkpoints and is not needed. */
  | 'besides';

/** A graph that is asked for. */
export interface GraphRequest<A> {
  readonly architecture: A;
  /**
   * By the project's names; matrices that were quantised stand under `NAME.quantised` (int8, or uint8 with a zero of
   * 128) and `NAME.scale`.
   */
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  /** What is computed in between; weights of other kinds are converted. The inputs and outputs are float32 always. */
  readonly compute?: 'float32' | 'float16';
  readonly attention?: AttentionForm;
  /** One of the family's ways in (`GraphInput.variant`). */
  readonly variant?: string;
  /** What is returned beside the tokens; the family says what there is. `tokens` by default. */
  readonly outputs?: string;
  /** Only the first layers, for self-tests and measurements. */
  readonly layers?: number;
  /** Batch and tokens, where they are to be fixed; the decomposed form needs them. */
  readonly size?: { readonly batch: number; readonly tokens: number };
}

/** Pixels made into the inputs of a graph. */
export interface GraphInput {
  /** Which graph takes them, where a family has several. */
  readonly variant: string;
  readonly feeds: Tensors;
  /** Sequences that go through the attention, and tokens of each. */
  readonly size: { readonly batch: number; readonly tokens: number };
  /** The token grid of the pixels; the batch is another axis. */
  readonly grid: Grid;
}

/** What a graph returned, as tokens in their places. */
export interface Unpacked {
  /** `[batch, time, height, width, hiddenSize]`. */
  readonly tokens: Tensor<'float32'>;
  /** Tokens of no place, `[batch, time, names, hiddenSize]`, in the order of the family's `globals`. */
  readonly globals?: Tensor<'float32'>;
}

/** How much one input of some frames costs. */
export interface Workload {
  readonly grid: Grid;
  /** Sequences that go through the attention one by one: 1 for a clip, one per frame where frames are by themselves. */
  readonly sequences: number;
  /** Tokens of one sequence, those of no place included. */
  readonly tokens: number;
}

/** How a family's outputs are compared with reference outputs (`check.ts`). */
export interface References {
  /** The `outputs` that a graph needs for all `names` of expected tensors. */
  outputs(names: readonly string[]): string;
  /** The graph's output that an expected tensor is compared with; `undefined` where there is none. */
  output(name: string, input: string): string | undefined;
  /** Names of outputs that are made of the tokens by something else (a classifier). */
  readonly besides?: {
    readonly names: readonly string[];
    /** `tokens` are `[batch, time, height, width, hiddenSize]`; `folder` holds the model. */
    make(
      tokens: Tensor<'float32'>,
      options: {
        readonly folder: string;
        readonly weights?: string | undefined;
        readonly threads?: number | undefined;
        readonly signal?: AbortSignal | undefined;
      },
    ): Promise<Tensors>;
  };
  /** For messages: the names that an expected tensor may have. */
  readonly names: string;
}

/** A checkpoint that is made, not fetched. */
export interface BuiltinModel {
  /** What `model:` takes. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** What it is, in a sentence. */
  readonly summary: string;
  /** What it is, in a few words with its sizes, for lists. */
  readonly listed: string;
  /** Its config.json, parsed. */
  readonly config: unknown;
  /** Digest of everything in it. */
  digest(): Promise<string>;
  /** Writes it to a folder, laid out like a published one, each file whole or not at all; returns what was written. */
  write(folder: string): Promise<readonly { readonly path: string; readonly sha256: string }[]>;
}

/** A family of encoders that share names, graph and inputs. */
export interface ModelFamily<A extends EncoderArchitecture> {
  /** For messages: "V-JEPA 2". */
  readonly title: string;
  /** Which `model_type` of a config.json is of this family. */
  readonly modelType: RegExp;
  /** Published checkpoints. */
  readonly catalogue: readonly Published<A>[];
  readonly builtin?: BuiltinModel;
  /** Repositories of this family are called so, for those in the Hub's cache that the catalogue does not know. */
  readonly repositories: RegExp;

  /** Reads a parsed config.json. Throws an `InputError` that names `path` and every field at fault. */
  readConfig(json: unknown, path: string): A;
  /**
   * The architecture of a checkpoint without a config, by the shapes of its tensors (project's names). Absent where
   * shapes do not say enough.
   */
  inferArchitecture?(shapes: ReadonlyMap<string, readonly number[]>, path: string): A;
  /** Corrects the architecture of a config by the shapes of the tensors. Absent: it stays as it is. */
  settle?(architecture: A, shapes: ReadonlyMap<string, readonly number[]>, path: string): A;
  /** In a few words: "V-JEPA 2.0, 384 px, 64 frames". */
  summary(architecture: A): string;
  /** What its checkpoints were trained on: "clips of 64 frames at 384 px". */
  trainedOn(architecture: A): string;
  /** The paper to cite: authors, year, title, where. */
  citation(architecture: A): string;
  /** Class names of a fine-tuned classifier; empty otherwise. */
  labels(architecture: A): readonly string[];
  /** The encoder that `expectedTensors` lists, for messages: "V-JEPA 2.0". */
  name(architecture: A): string;

  /**
   * What a tensor is by its name, without what models and training put before it; `undefined` for what does not belong
   * to such a checkpoint.
   */
  meaningOf(name: string): Meaning | undefined;
  /** Every tensor of an encoder by the project's names, with its shape. */
  expectedTensors(architecture: A): ReadonlyMap<string, readonly number[]>;
  /** The published spelling of one of the project's names, for messages. */
  publishedName(name: string, architecture: A): string;

  /** Counts up when the graph's arithmetic changes, so that what was made with another is told apart. */
  readonly graphVersion: number;
  /** The fields of an architecture that decide values, for fingerprints. Absent: all of them. */
  fingerprinted?(architecture: A): unknown;
  /** Writes the graph; its output `tokens` is `[batch, tokens, hiddenSize]`. */
  graph(request: GraphRequest<A>): Uint8Array;
  /**
   * Makes the graph's inputs of normalised pixels. Throws an `InputError` for a shape that the encoder does not take.
   */
  prepare(architecture: A, pixels: Tensor<'float32'>): GraphInput;
  unpack(architecture: A, outputs: Tensors, input: GraphInput): Unpacked;
  /** Names of the tokens of no place, in the order that `unpack` gives them; empty where there are none. */
  globals(architecture: A): readonly string[];
  /** Shape of pixels whose tokens number 64 and more, for the self-test of devices. */
  testShape(architecture: A): readonly number[];
  workload(architecture: A, frames: number, height: number, width: number): Workload;
  readonly references: References;
}

/** Any of them: for what chooses among several. */
export type AnyFamily = ModelFamily<any>;
