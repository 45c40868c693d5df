// Packs the files that other sinks wrote into one zip archive.

import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import {
  defineSink,
  InputError,
  jsonText,
  lineage,
  refuse,
  spec,
  type Artifact,
  type ArtifactAbout,
  type ManifestSoFar,
  type StageOutput,
  type StreamSpec,
  outputPath,
} from '@deepearth/core';
import { inOrder } from '@deepearth/core/in-order';
import { foldedPath } from '@deepearth/core/safe-path';
import { sortedSpool } from '@deepearth/core/sorted-spool';
import { textBytes } from '@deepearth/core/text-bytes';
import { collect } from '@deepearth/formats/bytes';
import { writeZip, zipBytes, type ZipInput } from '@deepearth/formats/zip-writer';
import { z } from 'zod';
import { hasPictures, isPicture, pageOf, shownOf, type Shown } from './package-page.ts';
import { abridged, type Placed } from './placed.ts';
import { portableManifest } from './portable-manifest.ts';
import { summaryLines } from './summary.ts';
import { thumbnail } from './thumbnail.ts';

/** Of files that are laid into a folder: each waits for the disk several times. */
const filesAtOnce = 8;

const usualFile = 'package.zip';

/** Options of `sink/package`. */
export const packageOptions = z.strictObject({
  file: outputPath()
    .regex(/\.zip$/, 'expected a name that ends in .zip')
    .default(usualFile)
    .describe(
      'Name of the archive inside the output folder. Where another stage would write the same name, it is the id of the stage.',
    ),
  folder: outputPath()
    .optional()
    .describe(
      'Folder inside the output folder where the same files are laid too, under the names they have in the archive; as links, where the disk has those, so that they take no room.',
    ),
  places: z
    .record(z.string(), z.union([outputPath(), z.literal(false)]))
    .optional()
    .describe(
      'What folders are called in the archive, or false to leave them out: { features: embeddings, gif: false }. Default: as in the output folder.',
    ),
  metadata: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'Values that metadata.json of the archive holds; <first> and <last> in a text are the numbers of the first and last frame that the files tell of.',
    ),
  contents: z
    .boolean()
    .default(true)
    .describe(
      'Put texts about it into it: README.txt, a summary to read; index.html, a page that shows its pictures and videos, where it has any; contents.json with size, SHA-256 and media type of every file; manifest.json as far as the run is known then: what led here, without times. Where a file of the run has the name of one, that text is called package-README.txt, and so on.',
    ),
});

const fileOf = (file: string, ownName: string | undefined): string =>
  file === usualFile && ownName !== undefined ? `${ownName}.zip` : file;

/**
 * Files lie in the archive as they are; each has an entry in its directory, and one in `contents.json`; of some there
 * is a small picture, and a line on the page.
 */
const bytesOf = (inputs: readonly StreamSpec[]): number =>
  inputs.reduce((sum, { bytes = 0, count, most }) => {
    const files = count ?? most?.count ?? 1000;
    return sum + bytes + files * 512 + Math.min(files, 240) * 20_000;
  }, 4096);

/** The stage `sink/package`. */
export const packageSink = defineSink({
  type: 'package',
  summary: 'Packs the files that other sinks wrote into one zip archive, in a fixed order.',
  options: packageOptions,
  joins: 'merged',
  examples: [
    '- type: sink/package',
    '- id: zip\n  type: sink/package\n  from: [features, gif]\n  with: { file: results.zip }',
  ],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => kind !== 'artifact');
    if (input?.kind !== 'artifact' || other)
      return refuse(
        `a package holds files, not ${(other?.spec ?? input)?.kind ?? 'nothing'}${other ? ` (from ${other.id})` : ''}.`,
        { remedy: 'List sinks under `from`.' },
      );
    return {
      output: spec('artifact', {}, null, options.folder === undefined ? 1 : null),
      drains: true,
      ...(inputs.every(({ spec: { bytes } }) => bytes !== undefined) && {
        diskBytes: bytesOf(inputs.map((each) => each.spec)) * (options.folder === undefined ? 1 : 2),
      }),
      files: {
        option: 'file',
        paths: [
          { path: fileOf(options.file, ownName) },
          ...(options.folder === undefined ? [] : [{ path: `${options.folder}/metadata.json` }]),
        ],
      },
    };
  },

  async *process(
    artifacts: AsyncIterable<Artifact>,
    { options, output, key, signal, progress, log, manifest, ownName, scratch },
  ) {
    // Order of arrival depends on timing, order of names does not.
    const listed = sortedSpool(() => scratch('files'));
    const taken = new Set<string>();
    const range = { first: Infinity, last: -Infinity };
    let any = false;
    for await (const artifact of artifacts) {
      for (const number of artifact.about?.frames ?? []) {
        range.first = Math.min(range.first, number);
        range.last = Math.max(range.last, number);
      }
      const path = placeOf(artifact.path, options.places);
      if (path === undefined) continue;
      // A folder is a name that nothing else may have, too.
      const top = foldedPath(path.split('/')[0]!);
      if (ownNames.test(top)) taken.add(top);
      any = true;
      // The list is read again and again, and a video tells of all frames; a file of the folder does so too.
      const told = options.folder === undefined ? abridged(artifact) : artifact;
      await listed.add(path, JSON.stringify({ stored: artifact.path, ...told, path } satisfies Placed));
    }
    if (!any && !options.metadata) return log.warn('no file came in, so no package is written');
    const sorted: Files = async function* () {
      let last: string | undefined;
      for await (const { key: path, line } of listed.inOrder()) {
        // Of files that would have one name, the first that came.
        if (path === last) continue;
        last = path;
        yield JSON.parse(line) as Placed;
      }
    };
    let done = 0;
    const own =
      options.metadata && (await textEntry('metadata.json', () => jsonText(filled(options.metadata!, range))));
    const page = options.contents ? await shownOf(sorted) : undefined;
    const small = page && hasPictures(page) ? thumbnailsOf(page, taken) : new Map<string, Small>();
    const texts = [
      ...(options.contents
        ? await textsAbout(await portableManifest(manifest(), () => scratch('inputs')), sorted, page!, small, taken)
        : []),
      // A file of the run that is called so stays, and says more than values that were given.
      ...(own && !taken.has('metadata.json') ? [own] : []),
    ];
    const { count, digest } = await summedUp(sorted);
    const total = (count + small.size) * (options.folder === undefined ? 1 : 2);
    /** Made anew for each reading: none of them is kept. */
    const smallPictures = async function* (): AsyncGenerator<readonly [path: string, bytes: Uint8Array]> {
      const made = inOrder(
        small.values(),
        availableParallelism() + 1,
        async ({ path, of }) => [path, await thumbnail(await collect(checked(output, of, signal)))] as const,
      );
      for await (const each of made) {
        signal.throwIfAborted();
        yield each;
        progress('files', ++done, total);
      }
    };
    /** The small pictures as they lie in the folder. */
    const readAgain = async function* (laid: readonly Artifact[]): ReturnType<typeof smallPictures> {
      for (const each of laid) {
        const bytes = await collect(checked(output, { ...each, stored: each.path }, signal));
        yield [each.path.slice(options.folder!.length + 1), bytes];
        progress('files', ++done, total);
      }
    };
    const entries = async function* (laid: Promise<readonly Artifact[]> | undefined): AsyncGenerator<ZipInput> {
      for (const text of texts) yield text;
      const buffer = new Uint8Array(pieceBytes);
      for await (const file of sorted()) {
        const stored = !compressible.test(file.mediaType);
        yield {
          name: file.path,
          size: file.bytes,
          chunks: () => checked(output, file, signal, buffer),
          compression: stored ? 'stored' : 'deflated',
        };
        progress('files', ++done, total);
      }
      for await (const [path, bytes] of laid ? readAgain(await laid) : smallPictures()) yield zipBytes(path, bytes);
    };
    const file = {
      path: fileOf(options.file, ownName),
      mediaType: 'application/zip',
      key: key(digest, ...texts.map(({ sha256 }) => sha256)),
      about: { kind: 'artifact' },
    };
    const fileOfFolder = (name: string, mediaType: string, about: ArtifactAbout = { kind: 'artifact' }) => ({
      path: `${options.folder}/${name}`,
      mediaType,
      key: lineage(file.key, name),
      about,
    });
    const layPictures = async (): Promise<readonly Artifact[]> => {
      const laid: Artifact[] = [];
      for await (const [path, bytes] of smallPictures())
        laid.push(await output.write(fileOfFolder(path, 'image/jpeg'), bytes));
      return laid;
    };
    if (options.folder !== undefined) {
      for (const { name, chunks } of texts) {
        const mediaType = mediaTypes[name.split('.').at(-1)!] ?? 'text/plain';
        yield await output.write(fileOfFolder(name, mediaType), pieces(chunks()));
      }
      const laid = inOrder(sorted(), filesAtOnce, async (each) => {
        signal.throwIfAborted();
        const { path, mediaType, about, stored, bytes, sha256 } = each;
        const content = checked(output, each, signal);
        return output.link(fileOfFolder(path, mediaType, about), { path: stored, bytes, sha256 }, content);
      });
      for await (const each of laid) {
        yield each;
        progress('files', ++done, total);
      }
    }
    // They are made while the archive takes the files before them.
    const laid = options.folder === undefined ? undefined : layPictures();
    laid?.catch(() => undefined);
    try {
      // A run that resumes a finished one has no room for the same archive once more.
      const archive =
        (await output.kept(file)) ??
        (await output.write(file, writeZip(entries(laid), { distinct: true, scratch: await scratch('directory') })));
      if (laid) yield* await laid;
      yield archive;
    } finally {
      await Promise.allSettled([laid]);
    }
  },
});

/** Pictures and floats hardly get smaller, and stored entries can be read in place. */
const compressible = /^(text\/|application\/(json|x-ndjson|geo\+json)|image\/svg)/;

/** The files of an archive in the order of their names, read anew for each reading. */
type Files = () => AsyncGenerator<Placed>;

/**
 * The name of a file in the archive; `undefined` where its folder is left out. The longest folder that is named
 * decides.
 */
function placeOf(path: string, places: Readonly<Record<string, string | false>> = {}): string | undefined {
  const parts = path.split('/');
  for (let depth = parts.length - 1; depth > 0; depth--) {
    const folder = parts.slice(0, depth).join('/');
    if (!Object.hasOwn(places, folder)) continue;
    const place = places[folder]!;
    return place === false ? undefined : [place, ...parts.slice(depth)].join('/');
  }
  return path;
}

/** The values with the numbers of the first and the last frame in their texts. */
function filled(
  values: Readonly<Record<string, unknown>>,
  range: { readonly first: number; readonly last: number },
): Record<string, unknown> {
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string')
      return range.first > range.last
        ? value
        : value.replaceAll('<first>', String(range.first)).replaceAll('<last>', String(range.last));
    if (Array.isArray(value)) return value.map(fill);
    return value !== null && typeof value === 'object' ? filled(value as Record<string, unknown>, range) : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fill(value)]));
}

async function* pieces(chunks: ReturnType<ZipInput['chunks']>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const mediaTypes: Readonly<Record<string, string>> = { json: 'application/json', html: 'text/html' };

/** A picture, and where its small one lies. */
interface Small {
  readonly path: string;
  readonly of: Placed;
}

/** A picture that takes less is its own small one. */
const smallBytes = 24_000;

/** The small pictures of a page by the paths of the pictures. */
function thumbnailsOf({ groups }: Shown, taken: ReadonlySet<string>): ReadonlyMap<string, Small> {
  const folder = free('thumbnails', (name) => taken.has(foldedPath(name)));
  const large = groups
    .flatMap(({ shown }) => shown)
    .filter(({ bytes, mediaType }) => bytes > smallBytes && isPicture(mediaType) && mediaType !== 'image/svg+xml');
  return new Map(large.map((of) => [of.path, { path: `${folder}/${of.path}.jpg`, of }]));
}

/** Names at the top of an archive that its texts and small pictures would have. */
const ownNames = /^(package-)*(readme\.txt|contents\.json|index\.html|manifest\.json|metadata\.json|thumbnails)$/;

const free = (name: string, taken: (name: string) => boolean): string =>
  taken(name) ? free(`package-${name}`, taken) : name;

/** The texts of an archive, under names that no file in it has. */
async function textsAbout(
  manifest: ManifestSoFar,
  files: Files,
  shown: Shown,
  small: ReadonlyMap<string, Small>,
  taken: ReadonlySet<string>,
): Promise<TextEntry[]> {
  const named = (name: string): string => free(name, (each) => taken.has(foldedPath(each)));
  const beside = {
    contents: named('contents.json'),
    manifest: named('manifest.json'),
    page: hasPictures(shown) ? named('index.html') : undefined,
  };
  const readme = named('README.txt');
  const html =
    beside.page === undefined
      ? undefined
      : pageOf(manifest, shown, new Map([...small].map(([path, each]) => [path, each.path])), [
          readme,
          beside.contents,
          beside.manifest,
        ]);
  return [
    await textEntry(readme, async function* () {
      for await (const line of summaryLines(manifest, files(), beside)) yield `${line}\n`;
    }),
    await textEntry(beside.contents, () => contentsOf(files)),
    await textEntry(beside.manifest, () => jsonText(manifest)),
    ...(html === undefined
      ? []
      : [
          await textEntry(beside.page!, async function* () {
            yield html;
          }),
        ]),
  ];
}

type TextEntry = ZipInput & { readonly sha256: string };

/**
 * A text that is made piece by piece, again for each reading: of a hundred thousand files it is larger than all else
 * here.
 */
async function textEntry(name: string, pieces: () => AsyncGenerator<string>): Promise<TextEntry> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of textBytes(pieces())) {
    hash.update(bytes);
    size += bytes.byteLength;
  }
  return { name, size, chunks: () => textBytes(pieces()), compression: 'deflated', sha256: hash.digest('hex') };
}

async function* contentsOf(files: Files): AsyncGenerator<string> {
  let before = '{\n  "files": [';
  for await (const { path, bytes, sha256, mediaType } of files()) {
    const text = JSON.stringify({ path, bytes, sha256, mediaType }, null, 2).replaceAll('\n', '\n    ');
    yield `${before}\n    ${text}`;
    before = ',';
  }
  yield '\n  ]\n}\n';
}

async function summedUp(files: Files): Promise<{ readonly count: number; readonly digest: string }> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const { path, sha256 } of files()) {
    hash.update(`${path} ${sha256}\n`);
    count++;
  }
  return { count, digest: hash.digest('hex') };
}

/** The bytes of a file, in `buffer` where there is one; throws when they are no longer those that were written. */
async function* checked(
  output: StageOutput,
  { stored: path, sha256 }: Placed,
  signal: AbortSignal,
  buffer?: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const file = await output.read(path);
  const hash = createHash('sha256');
  try {
    for (let at = 0; at < file.size; at += pieceBytes) {
      const piece = await file.read(at, Math.min(pieceBytes, file.size - at), signal, buffer);
      hash.update(piece);
      yield piece;
    }
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== sha256)
    throw new InputError(path, 'is not what was written there in this run.', {
      code: 'E_FILE_CHANGED',
      remedy: 'Let nothing else write into the output folder, and run again.',
    });
}

/** How much of a file is in memory at a time. */
const pieceBytes = 1 << 20;
