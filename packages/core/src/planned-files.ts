// Finds names of files that cannot be, and stages that would write files of one name, before any is written.

import { sequenceFolder } from './names.ts';
import type { PipelineStage } from './pipeline.ts';
import { foldedPath, unsafeBecause } from './safe-path.ts';
import type { StreamSpec } from './specs.ts';
import type { PlannedFiles } from './stage.ts';

/** A stage as far as it has been described. */
export interface Named {
  readonly stage: PipelineStage;
  readonly output: StreamSpec;
  readonly files?: PlannedFiles | undefined;
}

/** Two stages that make things of one name, and the name. */
export interface Clash {
  /** Where they meet: the stage that takes both, or the later of the two that write. */
  readonly at: PipelineStage;
  /** Those whose names are the same; one alone where a stage meets itself. */
  readonly stages: readonly PipelineStage[];
  readonly name: string;
  /** Where a file of this name would lie in the place of a folder of the other: the path in that folder. */
  readonly inFolder?: string;
  /** The option that names the files; absent where pictures of one name meet. */
  readonly option?: string;
}

/** What the names in files are made of: the sources that the frames come from, and how they were cut into clips. */
interface Ancestry {
  readonly sources: ReadonlySet<string>;
  readonly clips: ReadonlySet<string>;
}

function ancestries(stages: ReadonlyMap<string, Named>): (id: string) => Ancestry {
  const known = new Map<string, Ancestry>();
  const of = (id: string): Ancestry => {
    const former = known.get(id);
    if (former) return former;
    const { stage } = stages.get(id)!;
    const { definition, options, from } = stage;
    const before = from.map(of);
    const sources = new Set(definition.kind === 'source' ? [id] : before.flatMap((each) => [...each.sources]));
    const clips = new Set(
      definition.kind === 'windower'
        ? [JSON.stringify([definition.type, options])]
        : before.flatMap((each) => [...each.clips]),
    );
    const found = { sources, clips };
    known.set(id, found);
    return found;
  };
  return of;
}

/**
 * The clashes of a pipeline: only those that are certain, since names that differ in what is known when items come (the
 * first and last frame of clips that are cut differently) meet seldom or never.
 */
export function findClashes(stages: ReadonlyMap<string, Named>): Clash[] {
  const ancestry = ancestries(stages);
  const overlap = (a: string, b: string): boolean => {
    const others = ancestry(b).sources;
    return [...ancestry(a).sources].some((source) => others.has(source));
  };
  const apart = (a: string, b: string): boolean => {
    const [mine, other] = [a, b].map((id) => stages.get(id)!.output.sequences);
    if (!mine || !other) return false;
    const others = new Set(other);
    return !mine.some((sequence) => others.has(sequence));
  };
  const clashes: Clash[] = [];

  for (const { stage } of stages.values()) {
    if (stage.from.length < 2 || stage.definition.joins === 'separate') continue;
    forPairs(stage.from, (a, b) => {
      const [mine, other] = [a, b].map((id) => stages.get(id)!);
      if (mine!.output.kind !== 'picture' || other!.output.kind !== 'picture' || !overlap(a, b) || apart(a, b)) return;
      const name = mine!.output.names?.find((each) => other!.output.names?.includes(each));
      if (name !== undefined) clashes.push({ at: stage, stages: [mine!.stage, other!.stage], name });
    });
  }

  const written = [...stages.values()].flatMap(({ stage, files }) =>
    (files?.paths ?? []).map(({ path, from }) => ({
      stage,
      path,
      folded: foldedPath(path),
      from: from ?? '',
      option: files!.option,
    })),
  );
  const samePath = new Map<string, typeof written>();
  for (const each of written) {
    const others = samePath.get(each.folded);
    if (others) others.push(each);
    else samePath.set(each.folded, [each]);
  }
  const places = new Map(written.map((each, place) => [each, place]));
  const clash = (a: (typeof written)[number], b: (typeof written)[number], name: string, inFolder?: string): void => {
    const [first, second] = places.get(a)! < places.get(b)! ? [a, b] : [b, a];
    clashes.push({
      at: second.stage,
      stages: first.stage === second.stage ? [first.stage] : [first.stage, second.stage],
      name,
      option: second.option,
      ...(inFolder !== undefined && { inFolder }),
    });
  };
  for (const inner of written)
    for (let end = inner.folded.indexOf('/'); end >= 0; end = inner.folded.indexOf('/', end + 1))
      for (const outer of samePath.get(inner.folded.slice(0, end)) ?? [])
        if (!outer.path.includes('<')) clash(outer, inner, outer.path, inner.path);
  for (const group of samePath.values())
    forPairs(group, (a, b) => {
      if (a.path.includes('<') && !sameItems(a.path, a.from, b.from)) return;
      clash(a, b, a.path);
    });
  return clashes;

  /** Whether what stands for `<number>` and the like is the same for items of two stages. */
  function sameItems(path: string, a: string, b: string): boolean {
    if (a === b) return true;
    if (/<(?:layer|reducer)>/.test(path) || !overlap(a, b) || apart(a, b)) return false;
    return !path.includes('<first>') || sameSet(ancestry(a).clips, ancestry(b).clips);
  }
}

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each));

function forPairs<T>(all: readonly T[], look: (a: T, b: T) => void): void {
  for (let i = 0; i < all.length; i++) for (let j = i + 1; j < all.length; j++) look(all[i]!, all[j]!);
}

/** A name of files that cannot be. */
export interface BadName {
  readonly at: PipelineStage;
  /** The option that names the files; absent where names of sequences are at fault. */
  readonly option?: string;
  readonly path: string;
  readonly reason: string;
}

/**
 * Names that a file system, or one of another machine, does not take: of files as their stages plan them, and of the
 * folders of sequences, as far as these are known. One for each stage at most.
 */
export function findBadNames(stages: ReadonlyMap<string, Named>, severalSequences: boolean): BadName[] {
  return [...stages.values()].flatMap(({ stage, files, output }): BadName[] => {
    for (const { path } of files?.paths ?? []) {
      const reason = unsafeBecause(path.replaceAll('<sequence>/', '').replaceAll(/<\w+>/g, '000000'));
      if (reason !== undefined) return [{ at: stage, option: optionIn(stage, path) ?? files!.option, path, reason }];
    }
    if (!severalSequences || !files?.paths.some(({ path }) => path.includes('<sequence>/'))) return [];
    const folders = new Map<string, string>();
    for (const sequence of output.sequences ?? []) {
      const folder = sequenceFolder(sequence);
      const reason = unsafeBecause(folder);
      if (reason !== undefined) return [{ at: stage, path: folder, reason }];
      const other = folders.get(foldedPath(folder));
      if (other !== undefined && other !== sequence)
        return [
          {
            at: stage,
            path: folder,
            reason: `some file systems take it for that of the sequence ${JSON.stringify(other)}`,
          },
        ];
      folders.set(foldedPath(folder), sequence);
    }
    return [];
  });
}

/** The option of a stage that brings most of a path. */
function optionIn({ options }: PipelineStage, path: string): string | undefined {
  const named = Object.entries(options ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && path.includes(entry[1]),
  );
  return named.sort((a, b) => b[1].length - a[1].length)[0]?.[0];
}
