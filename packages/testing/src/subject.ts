// The description of a stage under test.

import type { Item } from '@deepearth/core/items';
import type { StageInput } from '@deepearth/runtime/run-stage';
import type { StreamSpec } from '@deepearth/core/specs';
import type { StageDefinition } from '@deepearth/core/stage';
import type { z } from 'zod';

/** A stage under test, with its inputs and options. */
export interface Subject<S extends z.ZodType = z.ZodType<any>, Out extends Item = any> {
  /** Options to run with; the defaults when absent. */
  readonly options?: z.input<S>;
  /**
   * Fresh items on every call, at least four where that is possible; absent for a source. `folder` is the output folder
   * of the run.
   */
  readonly inputs?: (folder: string) => readonly StageInput[] | Promise<readonly StageInput[]>;
  /** Options that make something else of the same items: wherever the bytes differ, the keys must. */
  readonly otherOptions?: z.input<S>;
  /** A stream the stage must refuse; a made-up kind by default, `null` for a stage that takes everything. */
  readonly foreign?: StreamSpec | null;
  /** Looks at what came of all items; throws (`expect`) when it is not right. */
  readonly output?: (items: readonly Out[], folder: string) => void | Promise<void>;
  /** Whether two runs made the same item; by default every byte of it has to be the same. */
  readonly equal?: (one: Out, other: Out) => boolean;
  /** Items the stage may take before it needs them; 2 by default. */
  readonly ahead?: number;
  /**
   * Items or options that cannot work: the run must end with an error a user can act on, whose message matches `says`.
   */
  readonly broken?: {
    readonly options?: z.input<S>;
    readonly inputs?: (folder: string) => readonly StageInput[] | Promise<readonly StageInput[]>;
    readonly says: RegExp;
    /** With `onError: skip`, how many items come out all the same; absent where nothing can be skipped. */
    readonly left?: number;
  };
  /** How long the stage may take to end once it is aborted; 900 ms of wall time by default. */
  readonly abortMilliseconds?: number;
  /** How long anything may take before it counts as hanging; 20 s by default. */
  readonly patienceSeconds?: number;
}

/** A stage of any options, items, state and survey. */
export type AnyStage = StageDefinition<any, any, any, any, any>;

/** A law that stages keep. `find` returns what is wrong, nothing when all is well. */
export interface Check {
  readonly title: string;
  readonly applies?: (stage: AnyStage, subject: Subject) => boolean;
  readonly find: (stage: AnyStage, subject: Subject) => Promise<readonly string[]>;
}
