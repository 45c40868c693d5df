// Keeps the books of a run: what it read, wrote and skipped, and the manifest that says so.

import { byPath } from './by-path.ts';
import type { RunEvent, RunStatus, StageCounts } from './events.ts';
import type { Artifact, Json } from './items.ts';
import { lineage } from './lineage.ts';
import { DeepEarthError, InputError } from './errors.ts';
import type { Manifest, ManifestOutput, SkippedItem } from './manifest.ts';
import { assertSafePath } from './safe-path.ts';
import type { ArtifactFile, ArtifactWriter, InputFile, StageOutput } from './stage.ts';
import type { RunStore, Stored } from './store.ts';

/** The books of one run. */
export interface Book {
  readonly inputs: ReadonlyMap<string, InputFile>;
  readonly outputs: readonly ManifestOutput[];
  readonly skipped: readonly SkippedItem[];
  readonly warnings: Manifest['warnings'];
  emit(event: RunEvent): void;
  recordInput(file: InputFile): void;
  recordFinding(stage: string, name: string, value: Json): void;
  /** What a stage found out, by name; `undefined` where it said nothing. */
  findingsOf(stage: string): Readonly<Record<string, Json>> | undefined;
  /** Where one stage writes; every file is checked, recorded in the journal and told as an event. */
  outputOf(stage: string): StageOutput;
}

/** Opens the books; files go to `store`, events to `tell`. */
export function openBook(store: RunStore, tell: (event: RunEvent) => void): Book {
  const inputs = new Map<string, InputFile>();
  const outputs: ManifestOutput[] = [];
  const skipped: SkippedItem[] = [];
  const warnings: { stage: string; message: string }[] = [];
  const taken = new Set<string>();
  const findings = new Map<string, Record<string, Json>>();

  const emit = (event: RunEvent): void => {
    if (event.type === 'skipped') skipped.push({ stage: event.stage, item: event.item, message: event.message });
    if (event.type === 'warning') warnings.push({ stage: event.stage, message: event.message });
    tell(event);
  };

  const claim = (path: string): void => {
    assertSafePath(path);
    const name = path.toLowerCase();
    if (taken.has(name)) {
      throw new DeepEarthError(
        `two files of this run are called ${path}. Give one of the stages that write it another directory.`,
        { code: 'E_NAME_TAKEN' },
      );
    }
    taken.add(name);
  };

  const record = async (stage: string, file: ArtifactFile, { bytes, sha256 }: Stored): Promise<Artifact> => {
    const { path, mediaType, holds, about } = file;
    const key = lineage('artifact', file.key, sha256);
    const entry: ManifestOutput = {
      path,
      bytes,
      sha256,
      mediaType,
      key,
      stage,
      ...(holds !== undefined && { holds }),
      ...(about && { about }),
    };
    await store.appendJournal(JSON.stringify(entry));
    outputs.push(entry);
    emit({ type: 'artifact', stage, path, bytes, sha256 });
    return {
      kind: 'artifact',
      id: path,
      key,
      path,
      bytes,
      sha256,
      mediaType,
      ...(holds !== undefined && { holds }),
      ...(about && { about }),
    };
  };

  return {
    inputs,
    outputs,
    skipped,
    warnings,
    emit,
    recordInput: (file) => void inputs.set(file.path, file),
    recordFinding: (stage, name, value) => void findings.set(stage, { ...findings.get(stage), [name]: value }),
    findingsOf: (stage) => findings.get(stage),
    outputOf: (stage) => ({
      async write(file, content) {
        claim(file.path);
        return record(stage, file, await store.put(file.path, content));
      },
      async writer({ path, mediaType }): Promise<ArtifactWriter> {
        claim(path);
        const writing = await store.writer(path);
        return {
          append: (bytes) => writing.append(bytes),
          commit: async (file) => record(stage, { ...file, path, mediaType }, await writing.commit()),
          discard: () => writing.discard(),
        };
      },
      async read(path) {
        assertSafePath(path);
        const file = await store.get(path);
        if (!file)
          throw new InputError(path, 'is not there.', {
            code: 'E_NO_FILE',
            remedy: 'Let nothing else write into the output folder, and run again.',
          });
        return file;
      },
    }),
  };
}

/** Puts a manifest together, its lists in an order that does not depend on timing. */
export function manifestOf(
  book: Book,
  run: Omit<Manifest, 'format' | 'inputs' | 'outputs' | 'skipped' | 'warnings' | 'times' | 'stages'> & {
    readonly started: Date;
    readonly status: RunStatus;
    readonly stages: readonly (Omit<Manifest['stages'][number], keyof StageCounts> & StageCounts)[];
  },
): Manifest {
  const { started, name, status, message, versions, pipeline, range } = run;
  const finished = new Date();
  const order = inOrderOf(pipeline.map(({ id }) => id));
  return {
    format: 2,
    name,
    status,
    ...(message ? { message } : {}),
    times: {
      startedAt: started.toISOString(),
      finishedAt: finished.toISOString(),
      seconds: (finished.getTime() - started.getTime()) / 1000,
      busySeconds: Object.fromEntries(run.stages.map(({ id, busySeconds }) => [id, busySeconds])),
    },
    versions,
    pipeline,
    inputs: [...book.inputs.values()].sort(byPath),
    outputs: [...book.outputs].sort(byPath),
    stages: run.stages.map(({ busySeconds: _, ...stage }) => stage),
    ...(range && { range }),
    skipped: [...book.skipped].sort(order),
    warnings: [...book.warnings].sort(order),
  };
}

/** Compares what stages said: by stage, then item, then message. */
export function inOrderOf(
  stages: readonly string[],
): (a: Partial<SkippedItem> & { stage: string }, b: Partial<SkippedItem> & { stage: string }) => number {
  const rank = new Map(stages.map((id, index) => [id, index]));
  const compare = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) =>
    (rank.get(a.stage) ?? 0) - (rank.get(b.stage) ?? 0) || compare(a.item, b.item) || compare(a.message, b.message);
}
