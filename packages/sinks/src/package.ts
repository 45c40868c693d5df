// Packs the files that other sinks wrote into one zip archive.

import { createHash } from 'node:crypto';
import {
  defineSink,
  InputError,
  refuse,
  spec,
  type Artifact,
  type StageOutput,
  type StreamSpec,
} from '@deepearth/core';
import { writeZip, type ZipInput } from '@deepearth/formats/zip-writer';
import { z } from 'zod';

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
  contents: z
    .boolean()
    .default(true)
    .describe('Put a contents.json into it, with size, SHA-256 and media type of every file.'),
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

  async *process(artifacts: AsyncIterable<Artifact>, { options, output, key, signal, progress, log, ownName }) {
    const files = new Map<string, Artifact>();
    for await (const artifact of artifacts) files.set(artifact.path, artifact);
    if (files.size === 0) return log.warn('no file came in, so no package is written');
    // Order of arrival depends on timing, order of names does not.
    const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    let done = 0;
    const entries = function* (): Generator<ZipInput> {
      if (options.contents) yield contentsOf(sorted);
      for (const file of sorted) {
        yield {
          name: file.path,
          size: file.bytes,
          chunks: () => checked(output, file, signal),
          compression: compressible.test(file.mediaType) ? 'deflated' : 'stored',
        };
        progress('files', ++done, sorted.length);
      }
    };
    yield await output.write(
      {
        path: fileOf(options.file, ownName),
        mediaType: 'application/zip',
        key: key(digestOf(sorted)),
        about: { kind: 'artifact' },
      },
      writeZip(entries()),
    );
  },
});

/** Pictures and floats hardly get smaller, and stored entries can be read in place. */
const compressible = /^(text\/|application\/(json|x-ndjson|geo\+json)|image\/svg)/;

/** The list of files, made piece by piece: of a hundred thousand it is larger than all else this stage holds. */
function contentsOf(files: readonly Artifact[]): ZipInput {
  const encoder = new TextEncoder();
  const pieces = function* (): Generator<Uint8Array> {
    for (const [index, { path, bytes, sha256, mediaType }] of files.entries()) {
      const text = JSON.stringify({ path, bytes, sha256, mediaType }, null, 2).replaceAll('\n', '\n    ');
      yield encoder.encode(`${index === 0 ? '{\n  "files": [' : ','}\n    ${text}`);
    }
    yield encoder.encode('\n  ]\n}\n');
  };
  let size = 0;
  for (const piece of pieces()) size += piece.byteLength;
  return { name: 'contents.json', size, chunks: pieces, compression: 'deflated' };
}

function digestOf(files: readonly Artifact[]): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of files) hash.update(`${path} ${sha256}\n`);
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
