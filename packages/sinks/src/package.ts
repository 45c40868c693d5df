// Packs the files that other sinks wrote into one zip archive.

import { createHash } from 'node:crypto';
import {
  defineSink,
  InputError,
  jsonText,
  lineage,
  refuse,
  spec,
  type Artifact,
  type Json,
  type ManifestSoFar,
  type StageOutput,
  type StreamSpec,
} from '@deepearth/core';
import { writeZip, type ZipInput } from '@deepearth/formats/zip-writer';
import { z } from 'zod';
import { summaryLines } from './summary.ts';

const usualFile = 'package.zip';

/** Options of `sink/package`. */
export const packageOptions = z.strictObject({
  file: z
    .string()
    .regex(/\.zip$/, 'expected a name that ends in .zip')
    .default(usualFile)
    .describe(
      'Name of the archive inside the output folder. Where another stage would write the same name, it is the id of the stage.',
    ),
  folder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder inside the output folder where the same files are laid too, under the names they have in the archive.',
    ),
  places: z
    .record(z.string(), z.union([z.string().min(1), z.literal(false)]))
    .optional()
    .describe(
      'What folders are called in the archive, or false to leave them out: { features: embeddings, gif: false }. Default: as in the output folder.',
    ),
  metadata: z
    .record(z.string(), z.json())
    .optional()
    .describe(
      'Values that metadata.json of the archive holds; <first> and <last> in a text are the numbers of the first and last frame that the files tell of.',
    ),
  contents: z
    .boolean()
    .default(true)
    .describe(
      'Put texts about it into it: README.txt, a summary to read; contents.json with size, SHA-256 and media type of every file; manifest.json as far as the run is known then: what led here, without times.',
    ),
});

const fileOf = (file: string, ownName: string | undefined): string =>
  file === usualFile && ownName !== undefined ? `${ownName}.zip` : file;

/** Files lie in the archive as they are; each has an entry in its directory, and one in `contents.json`. */
const bytesOf = (inputs: readonly StreamSpec[]): number =>
  inputs.reduce((sum, { bytes = 0, count, most }) => sum + bytes + (count ?? most?.count ?? 1000) * 512, 4096);

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
    { options, output, key, signal, progress, log, manifest, ownName },
  ) {
    const files = new Map<string, Artifact>();
    for await (const artifact of artifacts) files.set(artifact.path, artifact);
    const placed = [...files.values()].flatMap((file) => {
      const name = placeOf(file.path, options.places);
      return name === undefined ? [] : [{ ...file, name }];
    });
    if (placed.length === 0 && !options.metadata) return log.warn('no file came in, so no package is written');
    // Order of arrival depends on timing, order of names does not.
    const sorted = placed.sort((a, b) => (a.name < b.name ? -1 : 1));
    let done = 0;
    const own = options.metadata ? metadataOf(options.metadata, [...files.values()]) : undefined;
    const texts = [
      ...(options.contents ? textsAbout(manifest(), sorted) : []),
      ...(own ? [textEntry('metadata.json', () => jsonText(own))] : []),
    ];
    const entries: ZipInput[] = [
      ...texts,
      ...sorted.map((file) => ({
        name: file.name,
        size: file.bytes,
        chunks: () => checked(output, file, signal),
        compression: compressible.test(file.mediaType) ? ('deflated' as const) : ('stored' as const),
      })),
    ];
    const said = key(digestOf(sorted), ...texts.map(({ sha256 }) => sha256));
    const total = entries.length * (options.folder === undefined ? 1 : 2);
    const counted = function* (): Generator<ZipInput> {
      for (const entry of entries) {
        yield entry;
        progress('files', ++done, total);
      }
    };
    if (options.folder !== undefined)
      for (const { name, chunks } of counted()) {
        const { mediaType = name.endsWith('.json') ? 'application/json' : 'text/plain', about = { kind: 'artifact' } } =
          sorted.find((file) => file.name === name) ?? {};
        yield await output.write(
          { path: `${options.folder}/${name}`, mediaType, key: lineage(said, name), about },
          pieces(chunks()),
        );
      }
    yield await output.write(
      {
        path: fileOf(options.file, ownName),
        mediaType: 'application/zip',
        key: said,
        about: { kind: 'artifact' },
      },
      writeZip(counted()),
    );
  },
});

/** The name of a file in the archive; `undefined` where its folder is left out. The longest folder that is named decides. */
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

/** The values with the numbers of the first and the last frame filled in. */
function metadataOf(values: z.output<typeof packageOptions>['metadata'], files: readonly Artifact[]): object {
  let [first, last] = [Infinity, -Infinity];
  for (const { about } of files)
    for (const number of about?.frames ?? []) [first, last] = [Math.min(first, number), Math.max(last, number)];
  const filled = (value: Json): Json => {
    if (typeof value === 'string')
      return first > last ? value : value.replaceAll('<first>', String(first)).replaceAll('<last>', String(last));
    if (Array.isArray(value)) return value.map(filled);
    return value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]))
      : value;
  };
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, filled(value as Json)]));
}

async function* pieces(chunks: ReturnType<ZipInput['chunks']>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Pictures and floats hardly get smaller, and stored entries can be read in place. */
const compressible = /^(text\/|application\/(json|x-ndjson|geo\+json)|image\/svg)/;

/** A file with the name that it has in the archive. */
type Placed = Artifact & { readonly name: string };

/** The texts of an archive. */
const textsAbout = (manifest: ManifestSoFar, files: readonly Placed[]): TextEntry[] => [
  textEntry('README.txt', function* () {
    for (const line of summaryLines(
      manifest,
      files.map((file) => ({ ...file, path: file.name })),
    ))
      yield `${line}\n`;
  }),
  textEntry('contents.json', () => contentsOf(files)),
  textEntry('manifest.json', () => jsonText(manifest)),
];

type TextEntry = ZipInput & { readonly sha256: string };

/** A text that is made piece by piece, again for each reading: of a hundred thousand files it is larger than all else here. */
function textEntry(name: string, pieces: () => Generator<string>): TextEntry {
  const encoder = new TextEncoder();
  const hash = createHash('sha256');
  let size = 0;
  for (const piece of pieces()) {
    const bytes = encoder.encode(piece);
    hash.update(bytes);
    size += bytes.byteLength;
  }
  const chunks = function* (): Generator<Uint8Array> {
    for (const piece of pieces()) yield encoder.encode(piece);
  };
  return { name, size, chunks, compression: 'deflated', sha256: hash.digest('hex') };
}

function* contentsOf(files: readonly Placed[]): Generator<string> {
  for (const [index, { name: path, bytes, sha256, mediaType }] of files.entries()) {
    const text = JSON.stringify({ path, bytes, sha256, mediaType }, null, 2).replaceAll('\n', '\n    ');
    yield `${index === 0 ? '{\n  "files": [' : ','}\n    ${text}`;
  }
  yield '\n  ]\n}\n';
}

function digestOf(files: readonly Placed[]): string {
  const hash = createHash('sha256');
  for (const { name: path, sha256 } of files) hash.update(`${path} ${sha256}\n`);
  return hash.digest('hex');
}

/** The bytes of a file; throws when they are no longer those that were written. */
async function* checked(
  output: StageOutput,
  { path, sha256 }: Artifact,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await output.read(path);
  const hash = createHash('sha256');
  try {
    for (let at = 0; at < file.size; at += pieceBytes) {
      const piece = await file.read(at, Math.min(pieceBytes, file.size - at), signal);
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
