// Packs the files that other sinks wrote into one zip archive.

import { createHash } from 'node:crypto';
import {
  defineSink,
  InputError,
  jsonText,
  refuse,
  spec,
  type Artifact,
  type ManifestSoFar,
  type StageOutput,
  type StreamSpec,
  outputPath,
} from '@deepearth/core';
import { nameSet, type NameSet } from '@deepearth/core/name-set';
import { foldedPath } from '@deepearth/core/safe-path';
import { sortedSpool } from '@deepearth/core/sorted-spool';
import { writeZip, type ZipInput } from '@deepearth/formats/zip-writer';
import { z } from 'zod';
import { summaryLines } from './summary.ts';

const usualFile = 'package.zip';

/** Options of `sink/package`. */
export const packageOptions = z.strictObject({
  file: outputPath()
    .regex(/\.zip$/, 'expected a name that ends in .zip')
    .default(usualFile)
    .describe(
      'Name of the archive inside the output folder. Where another stage would write the same name, it is the id of the stage.',
    ),
  contents: z
    .boolean()
    .default(true)
    .describe(
      'Put texts about it into it: README.txt, a summary to read; contents.json with size, SHA-256 and media type of every file; manifest.json as far as the run is known then: what led here, without times. Where a file of the run has the name of one, that text is called package-README.txt, and so on.',
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
      output: spec('artifact', {}, null, 1),
      drains: true,
      ...(inputs.every(({ spec: { bytes } }) => bytes !== undefined) && {
        diskBytes: bytesOf(inputs.map((each) => each.spec)),
      }),
      files: { option: 'file', paths: [{ path: fileOf(options.file, ownName) }] },
    };
  },

  async *process(
    artifacts: AsyncIterable<Artifact>,
    { options, output, key, signal, progress, log, manifest, ownName, scratch },
  ) {
    // Order of arrival depends on timing, order of names does not.
    const listed = sortedSpool(() => scratch('files'));
    const names = nameSet();
    const folded = nameSet();
    let count = 0;
    for await (const artifact of artifacts) {
      if (!names.add(artifact.path)) continue;
      folded.add(foldedPath(artifact.path));
      count++;
      await listed.add(artifact.path, JSON.stringify(artifact));
    }
    if (count === 0) return log.warn('no file came in, so no package is written');
    const sorted: Files = async function* () {
      for await (const { line } of listed.inOrder()) yield JSON.parse(line) as Artifact;
    };
    let done = 0;
    const texts = options.contents ? await textsAbout(manifest(), sorted, folded) : [];
    const entries = async function* (): AsyncGenerator<ZipInput> {
      for (const text of texts) yield text;
      for await (const file of sorted()) {
        yield {
          name: file.path,
          size: file.bytes,
          chunks: () => checked(output, file, signal),
          compression: compressible.test(file.mediaType) ? 'deflated' : 'stored',
        };
        progress('files', ++done, count);
      }
    };
    const file = {
      path: fileOf(options.file, ownName),
      mediaType: 'application/zip',
      key: key(await digestOf(sorted), ...texts.map(({ sha256 }) => sha256)),
      about: { kind: 'artifact' },
    };
    // A run that resumes a finished one has no room for the same archive once more.
    yield (
      (await output.kept(file)) ??
      (await output.write(file, writeZip(entries(), { scratch: await scratch('directory') })))
    );
  },
});

/** Pictures and floats hardly get smaller, and stored entries can be read in place. */
const compressible = /^(text\/|application\/(json|x-ndjson|geo\+json)|image\/svg)/;

/** The files of an archive in the order of their names, read anew for each reading. */
type Files = () => AsyncGenerator<Artifact>;

/** The texts of an archive, under names that no file in it has. */
async function textsAbout(manifest: ManifestSoFar, files: Files, taken: NameSet): Promise<TextEntry[]> {
  const free = (name: string): string => (taken.has(foldedPath(name)) ? free(`package-${name}`) : name);
  const beside = { contents: free('contents.json'), manifest: free('manifest.json') };
  return [
    await textEntry(free('README.txt'), async function* () {
      for await (const line of summaryLines(manifest, files(), beside)) yield `${line}\n`;
    }),
    await textEntry(beside.contents, () => contentsOf(files)),
    await textEntry(beside.manifest, () => jsonText(manifest)),
  ];
}

type TextEntry = ZipInput & { readonly sha256: string };

/** A text that is made piece by piece, again for each reading: of a hundred thousand files it is larger than all else here. */
async function textEntry(name: string, pieces: () => AsyncGenerator<string>): Promise<TextEntry> {
  const encoder = new TextEncoder();
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of pieces()) {
    const bytes = encoder.encode(piece);
    hash.update(bytes);
    size += bytes.byteLength;
  }
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces()) yield encoder.encode(piece);
  };
  return { name, size, chunks, compression: 'deflated', sha256: hash.digest('hex') };
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

async function digestOf(files: Files): Promise<string> {
  const hash = createHash('sha256');
  for await (const { path, sha256 } of files()) hash.update(`${path} ${sha256}\n`);
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
