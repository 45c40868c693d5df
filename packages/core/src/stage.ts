// The contract of a stage: one box of the graph, written as a value.

import type { OperatorFunction } from 'rxjs';
import type { z } from 'zod';
import type { ByteSource } from './byte-source.ts';
import type {
  Artifact,
  ArtifactAbout,
  Clip,
  Embedding,
  Frame,
  Item,
  Json,
  Locator,
  Picture,
  Projection,
  Raster,
  ReadOptions,
  TokenGrid,
} from './items.ts';
import type { InputFile } from './input-file.ts';
import type { ManifestSoFar } from './manifest.ts';
import type { DescribedInput } from './one-stream.ts';
import type { PixelPool } from './pixel-pool.ts';
import type { ClipRange, Range } from './range.ts';
import type { Refusal } from './refusal.ts';
import type { StreamSpec } from './specs.ts';

export { isRefusal, refuse, type Refusal } from './refusal.ts';

export type { ClipRange, InputFile, PixelPool, Range };

/** The kinds of stages, in the order in which a pipeline passes them. */
export const stageKinds = [
  'source',
  'transform',
  'windower',
  'encoder',
  'aggregator',
  'reducer',
  'renderer',
  'sink',
] as const;
/** One of the eight kinds. */
export type StageKind = (typeof stageKinds)[number];
/** Kind and name, as YAML has it: `reducer/umap`. */
export type StageType = `${StageKind}/${string}`;

/** The names of the files that a stage will write. */
export interface PlannedFiles {
  /**
   * Paths with `<sequence>/`, `<number>`, `<first>`, `<last>`, `<layer>`, `<reducer>` and `<id>` in the place of what
   * differs from item to item; `from` is the input whose items they are made of.
   */
  readonly paths: readonly { readonly path: string; readonly from?: string }[];
  /** The option that changes them: `directory`. */
  readonly option: string;
}

/** What leaves a stage and what it takes to make it. */
export interface Description {
  readonly output: StreamSpec;
  /** The most memory the stage holds at once, beside the items in flight. */
  readonly memoryBytes?: number;
  /** Bytes it writes, at most: artifacts, or a spool in the work folder; left out where they cannot be told. */
  readonly diskBytes?: number;
  /** Bytes on disk of what it shares, by the names that `context.share` gets; a plan counts each name once. */
  readonly sharedDiskBytes?: Readonly<Record<string, number>>;
  /** The files it writes into the run's store, so that two stages that would write the same are found before. */
  readonly files?: PlannedFiles;
  /** True when nothing leaves before everything has come in (a fit). */
  readonly drains?: boolean;
  /** What a user may not expect: said by a plan, and by a run as a warning in the manifest. */
  readonly warnings?: readonly string[];
  /** Worth saying in a plan: "the last 3 frames fill no window and are dropped". */
  readonly notes?: readonly string[];
}

/** What `describe` may look at. */
export interface Descriptor<Options, Survey> {
  readonly options: Options;
  /** What `survey` found; absent when only the configuration is validated. */
  readonly survey: Survey | undefined;
  /** All inputs by stage id, for stages that join several; the first is also `describe`'s first argument. */
  readonly inputs: readonly { readonly id: string; readonly spec: StreamSpec }[];
  /** As in `StageContext`. */
  readonly ownName?: string | undefined;
}

/** Messages of a stage, which become events of the run. */
export interface Log {
  info(message: string): void;
  /** A warning also stands in the manifest. */
  warn(message: string): void;
}

/** Bytes to write: at once, or in pieces. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** What is said of a file that a stage writes. */
export interface ArtifactFile {
  /**
   * Relative to the run's store, with forward slashes; it must not leave it, and no two files of one run may share it.
   */
  readonly path: string;
  readonly mediaType: string;
  /** The lineage of its content. */
  readonly key: string;
  readonly holds?: string | readonly string[];
  readonly about?: ArtifactAbout;
}

/** A file that is written piece by piece; nothing is seen under its name before `commit`. */
export interface ArtifactWriter {
  append(bytes: Uint8Array): Promise<void>;
  /** Closes, syncs and names the file, and records it. What is only known at the end is given here, also its `path`. */
  commit(file: Pick<ArtifactFile, 'key' | 'holds' | 'about'> & { readonly path?: string }): Promise<Artifact>;
  /** Lets the file go; safe after `commit`, which it does not undo. */
  discard(): Promise<void>;
}

/** Where the files of a stage go: the run's store, every file recorded in the manifest. */
export interface StageOutput {
  /** Writes one file: beside its final name, synced, then renamed (or committed, where the store has that). */
  write(file: ArtifactFile, content: Content): Promise<Artifact>;
  /** Starts a file whose content comes over time: a GIF, a video. Without a `path` its `commit` has to name it. */
  writer(file: Pick<ArtifactFile, 'mediaType'> & { readonly path?: string }): Promise<ArtifactWriter>;
  /**
   * Takes over the file that an earlier run left under this path, where this run resumes it, the same is said of it
   * (its key too) and its digest is proven; `undefined` where it has to be written. For files that are large.
   */
  kept(file: ArtifactFile): Promise<Artifact | undefined>;
  /**
   * Gives a file that this run wrote a second name where the store has links, so that its bytes are on the disk once;
   * else writes `content`, which is to be the same.
   */
  link(file: ArtifactFile, own: Pick<Artifact, 'path' | 'bytes' | 'sha256'>, content: Content): Promise<Artifact>;
  /** Opens a file of the store by its path; throws an `InputError` where there is none. Close it. */
  read(path: string): Promise<ByteSource>;
}

/** What former runs left, when this one resumes them. */
export interface FormerRun {
  /**
   * The file that holds the item of this key without loss, its digest proven; `undefined` where there is none. Close
   * it.
   */
  find(key: string): Promise<ByteSource | undefined>;
  /** Where the file lies that `find` found lately, on a disk of this machine; `undefined` where that is not known. */
  lies?(key: string): FoundFile | undefined;
}

/** A file that an earlier run wrote whole, as its digest has proven. */
export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Lines that a stage keeps for the run that resumes this one, whatever ends this one. */
export interface Notes {
  /**
   * Those of the run that is resumed, in order; none where nothing is resumed. They stay, and are followed by what is
   * added.
   */
  former(): Promise<readonly string[]>;
  /** Resolves when they are safe. */
  add(...lines: readonly string[]): Promise<void>;
  /** Lets go of all there are. */
  clear(): Promise<void>;
}

/**
 * Room for what does not fit in memory: bytes that are appended and read back by their place. Closed with the stage.
 */
export interface Scratch {
  /** Bytes so far. */
  readonly length: number;
  /** Returns where the bytes begin. Throws an `InputError` when there is no room left. */
  append(bytes: Uint8Array): Promise<number>;
  /** Returns the bytes; they may lie in `into`, where there is room for them. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Forgets everything, so that it does not grow with the length of a run. */
  clear(): Promise<void>;
}

/** What a running stage is given. */
export interface StageContext<Options = unknown, State = undefined, Survey = unknown> {
  /** The id of the stage in its pipeline. */
  readonly id: string;
  readonly type: StageType;
  readonly options: Options;
  /** What `open` returned. */
  readonly state: State;
  readonly survey: Survey | undefined;
  /**
   * The stage's id, where names that it chooses itself would be those of another stage of the pipeline: its pictures or
   * its folder are then called like this. Absent where there is no such stage.
   */
  readonly ownName?: string | undefined;
  /**
   * Inputs in the order of `from`. `items` is for stages that pull several inputs by themselves; do not pull both it
   * and `process`'s first argument.
   */
  readonly inputs: readonly { readonly id: string; readonly spec: StreamSpec; readonly items: AsyncIterable<Item> }[];
  /** Aborted when the run stops for whatever reason; hand it to everything that waits. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly output: StageOutput;
  readonly former: FormerRun;
  /** Lines for the run that resumes this one: what a source that never ends has sent. */
  readonly notes: Notes;
  /**
   * True where the run has more than one sequence (or may have): names of clips and files then carry the sequence, and
   * equal frame numbers of two sequences do not collide. `names.ts` makes names from items.
   */
  readonly severalSequences: boolean;
  /**
   * For sources: whether what it sends may be read long after it was sent, since a stage behind it waits for all there
   * is (a fit) or joins several streams; else it is read soon or not at all.
   */
  readonly readLater: boolean;
  /** What a source is to send of a sequence, as positions of frames from 0: from 0 to infinity for all of it. */
  frameRange(sequence: string): Range;
  /**
   * What a windower is to send of a sequence: from 0 to infinity for all of it. Its first frame is that of clip
   * `first`.
   */
  clipRange(sequence: string): Range;
  /** Memory for large pictures that are drawn one after another; of the whole run. */
  readonly pixels: PixelPool;
  /** Room on disk (in memory, in a browser) under a name of the stage's own; each call makes another. */
  scratch(name: string): Promise<Scratch>;
  /** An empty folder of the stage's own, removed when it closes; for libraries that want a path. Not in a browser. */
  workFolder(): Promise<string>;
  /**
   * Opens what the stage's items need after the stage has ended (a decoder that lazy frames read from). `close` runs
   * when the run ends, also when it fails; last opened, first closed.
   */
  keep<T>(open: () => Promise<T> | T, close: (resource: T) => Promise<void> | void): Promise<T>;
  /**
   * The same for what several stages of a run use: opened by the first that names it. The scratch that `open` is given
   * stays until the run ends.
   */
  share<T>(
    name: string,
    open: (room: Pick<StageContext, 'scratch'>) => Promise<T> | T,
    close: (resource: T) => Promise<void> | void,
  ): Promise<T>;
  /** Reads a frame of any source from its locator, as that source would. Throws an `InputError` where none can. */
  reopen(locator: Locator, options?: ReadOptions): Promise<Raster>;
  /**
   * Reports how far a long step is: `progress('fit', 120, 500)`; `total` is null where it is not known. `estimated` is
   * an estimate of `done` that counts what is under way, in fractions.
   */
  progress(step: string, done: number, total: number | null, estimated?: number): void;
  /** A device of the stage (`cuda:0`) begins to work; call what is returned when it ends. */
  working(device: string): () => void;
  /** Names a file that was read, for the manifest. */
  recordInput(file: InputFile): void;
  /** Keeps in the manifest what the stage found out: the stretch of a series, the variance that components explain. */
  recordFinding(name: string, value: Json): void;
  /**
   * The manifest as far as it is known: what the stages that lead here read, sent, found and wrote. Whole once this
   * stage's input has ended.
   */
  manifest(): ManifestSoFar;
  /**
   * Does the work for one item under the stage's `onError`: with `retry` again after a pause, with `skip` it returns
   * `undefined` and the item is listed in the manifest; else it throws with stage and item named. `each` bodies are
   * wrapped in it already.
   */
  attempt<T>(item: Pick<Item, 'id'>, work: () => Promise<T> | T): Promise<T | undefined>;
  /**
   * A lineage key: the digest of stage type, options and `parts` (the keys of the items that went in; a list counts as
   * its elements).
   */
  key(...parts: readonly (string | readonly string[])[]): string;
}

type Given<State> = Awaited<State>;

/**
 * A stage. Exactly one of `process`, `each` and `operator` is its body:
 * `process` turns the stream of items into another, pulling what it needs (code after the loop is the drain);
 * `each` returns one item, several or none for every item that comes, and gets retry and skip for free;
 * `operator` is a synchronous RxJS operator (`bufferCount(16, 16)`), fed one item at a time so that it stays pulled.
 */
export interface StageDefinition<
  Schema extends z.ZodType = z.ZodType<any>,
  In extends Item = any,
  Out extends Item = any,
  State = any,
  Survey = any,
> {
  readonly kind: StageKind;
  readonly type: StageType;
  /** The plugin that it came from, as the pipeline names it; set by who loads it. */
  readonly plugin?: string;
  /** One sentence. */
  readonly summary: string;
  /**
   * Validates, gives defaults, types the code, and makes JSON Schema and docs; a strict object whose fields are
   * described.
   */
  readonly options: Schema;
  /** YAML of `stages` entries, each a list item or more; validated by a test. */
  readonly examples: readonly string[];
  /**
   * How several inputs (`from: [a, b]`) are taken; absent: one input only. `merged`: as one stream, all of the first,
   * then all of the second. `parallel`: the body works on each input by itself, as they come, and sends what it made of
   * the first, then of the second; for stages whose items have nothing to do with one another. `separate`: the body
   * pulls `context.inputs`.
   */
  readonly joins?: 'merged' | 'parallel' | 'separate';
  /**
   * For `joins: 'merged'`: whether these inputs have nothing to do with one another, so that they are taken as with
   * `parallel` and nothing is kept aside.
   */
  apart?(inputs: readonly DescribedInput[]): boolean;
  /**
   * For `joins: 'separate'`: while one input is waited for, the others are read on (and kept on disk), so inputs may be
   * as far apart as they like.
   */
  readonly readsAhead?: true;
  /**
   * Looks at names, headers and configs outside (a folder's listing, a checkpoint's config.json), never at pixels or
   * weights.
   */
  survey?(options: z.output<Schema>, signal: AbortSignal): Promise<Survey>;
  /** What would leave this stage, or why it cannot take what comes; pure. A source gets no input. */
  describe(input: StreamSpec | undefined, about: Descriptor<z.output<Schema>, Survey>): Description | Refusal;
  /** Gets what is costly, once: a model session, a writer. */
  open?(context: StageContext<z.output<Schema>, undefined, Survey>): Promise<State>;
  process?(items: AsyncIterable<In>, context: StageContext<z.output<Schema>, Given<State>, Survey>): AsyncIterable<Out>;
  each?(
    item: In,
    context: StageContext<z.output<Schema>, Given<State>, Survey>,
  ): Promise<Out | readonly Out[] | undefined> | Out | readonly Out[] | undefined;
  operator?(context: StageContext<z.output<Schema>, Given<State>, Survey>): OperatorFunction<In, Out>;
  /**
   * For sources, and transforms that change pixels: opens the picture that a locator of theirs names, and reads it.
   * What it opens goes through `keep`; a transform reads the frame that it changed with `reopen`. A locator's own
   * `window` has become part of `options.window`, which is in pixels of the picture.
   */
  reopen?(
    locator: Omit<Locator, 'window'>,
    options: ReadOptions,
    context: Pick<StageContext, 'keep' | 'share' | 'signal' | 'reopen'>,
  ): Promise<Raster>;
  /**
   * For sources: the options that name what is read (a folder, an address). Results of a run that read something else
   * are not replaced unasked; other options may change.
   */
  readonly reads?: readonly string[];
  /**
   * The options that decide only where, and how fast, the stage works (a device, a cache): processes that share the
   * work of a run may have others.
   */
  readonly placement?: readonly string[];
  /**
   * For sources: what is known of some frames of a sequence, by their positions, without reading them: names of files,
   * digests that are at hand. It is part of the name of a job.
   */
  known?(
    sequence: string,
    frames: Range,
    about: { readonly options: z.output<Schema>; readonly survey: Survey | undefined },
  ): Json;
  /**
   * For windowers: which frames of a sequence, by position, the clips of a range need; `undefined` where that shows
   * only in the frames.
   */
  framesOf?(clips: Range, options: z.output<Schema>): Range | undefined;
  /** For stages that fit to all of their items: how shards of a run do parts of that. */
  readonly fitInShards?: FitInShards;
  /** Always runs once `open` succeeded. */
  close?(state: Given<State>): Promise<void> | void;
}

/** A stage as its author writes it: all of its definition but the kind, which the `define` function adds. */
export type Authored<Schema extends z.ZodType, In extends Item, Out extends Item, State, Survey> = Omit<
  StageDefinition<Schema, In, Out, State, Survey>,
  'kind' | 'type' | 'plugin'
> & {
  /** The name after the slash: `sliding` of `windower/sliding`. */
  readonly type: string;
};

const definer =
  <In extends Item, Out extends Item>(kind: StageKind) =>
  <Schema extends z.ZodType, State = undefined, Survey = undefined, I extends Item = In, O extends Item = Out>(
    authored: Authored<Schema, I, O, State, Survey>,
  ): StageDefinition<Schema, I, O, State, Survey> => {
    const bodies = [authored.process, authored.each, authored.operator].filter(Boolean).length;
    if (bodies !== 1)
      throw new TypeError(`${kind}/${authored.type} needs exactly one of process, each and operator, it has ${bodies}`);
    return { ...authored, kind, type: `${kind}/${authored.type}` };
  };

/**
 * Defines a stage that makes items from what lies outside; `In` is unused. Throws a `TypeError` unless it has exactly
 * one body.
 */
export const defineSource = definer<Item, Frame>('source');
/** An item to another of its kind: crop, tile, stretch, mask. */
export const defineTransform = definer<Frame, Frame>('transform');
/**
 * Defines a stage that cuts each sequence of frames into clips. Throws a `TypeError` unless it has exactly one body.
 */
export const defineWindower = definer<Frame, Clip>('windower');
/**
 * Defines a stage that turns clips, or items of another modality, into token grids. Throws a `TypeError` unless it has
 * exactly one body.
 */
export const defineEncoder = definer<Clip, TokenGrid>('encoder');
/** Defines a stage that pools token grids to embeddings. Throws a `TypeError` unless it has exactly one body. */
export const defineAggregator = definer<TokenGrid, Embedding>('aggregator');
/** Defines a stage that brings tokens to a few numbers each. Throws a `TypeError` unless it has exactly one body. */
export const defineReducer = definer<TokenGrid, Projection>('reducer');
/** Defines a stage that draws pictures. Throws a `TypeError` unless it has exactly one body. */
export const defineRenderer = definer<Projection, Picture>('renderer');
/**
 * Defines a stage that writes items to the run's store and sends on what it wrote. Throws a `TypeError` unless it has
 * exactly one body.
 */
export const defineSink = definer<Item, Artifact>('sink');

/** What a package lists of its stages: a loader per stage type, so that nothing is loaded before it is named. */
export type StageList = Readonly<Record<StageType, () => Promise<StageDefinition>>>;

/** What a fit of parts is given. */
export interface FitOfParts {
  /** As the stage has them. */
  readonly options: unknown;
  readonly signal: AbortSignal;
  /** The same as `progress` of a `StageContext`. */
  readonly progress: StageContext['progress'];
}

/**
 * How a stage that fits to all of its items does so in shards. It changes no byte of a result: what shards leave is
 * found by keys of all that it depends on, and what is not found is made by the run of the whole pipeline.
 */
export interface FitInShards {
  /** Whether a stage of these options fits, and its parts are smaller than what they are made of. */
  fits(options: unknown): boolean;
  /**
   * Takes the stage's place in a shard whose first token has the number `first` over the whole input. It writes
   * `partPath(id)`, and a `PartKeys` as JSON at `partKeysPath(id)`; neither where nothing came.
   */
  collect(first: number): StageDefinition;
  /**
   * Fits to the parts of all shards, which come in the order of their items; returns the bytes of the model, or
   * `undefined` where no item holds a token. Throws an `InputError` (`E_PARTS`) where parts do not follow one another.
   */
  fit(parts: AsyncIterable<ByteSource>, about: FitOfParts): Promise<Uint8Array | undefined>;
  /**
   * Takes the stage's place in a shard when the fit is there: writes what becomes of each item, at `placesPath` of the
   * key `placeKey`.
   */
  readonly place: StageDefinition;
}
