// Stages for field notes: a source that reads a text file, and an encoder that makes a token of every word. A note is
// an item of a kind of its own; nothing here knows of frames.

import { readFile } from 'node:fs/promises';
import { defineEncoder, defineSource, InputError, lineage, refuse, sha256, spec, tensor } from '@deepearth/core';
import { z } from 'zod';

const instant = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s+(\S.*)$/;

/** One note for each line: `{ kind: 'note', at, text, uri, line }`. */
export const notes = defineSource({
  type: 'notes',
  summary: 'Reads field notes from a text file, one a line, each after its instant.',
  options: z.strictObject({
    file: z.string().min(1).describe('Lines like "2024-05-01T06:00:00Z  Reed warblers singing."'),
  }),
  examples: ['- type: source/notes\n  with: { file: notes.txt }'],

  describe: () => ({ output: spec('note', {}, null) }),

  async *process(_, { options: { file }, signal, key, recordInput }) {
    const bytes = await readFile(file).catch((cause) =>
      Promise.reject(new InputError(file, 'cannot be read.', { cause, remedy: 'Check the option file.' })),
    );
    recordInput({ path: file, bytes: bytes.length, sha256: sha256(bytes) });
    const lines = bytes.toString('utf8').split(/\r?\n/);
    for (const [index, line] of lines.entries()) {
      signal.throwIfAborted();
      if (line.trim() === '') continue;
      const [, at, text] = instant.exec(line) ?? [];
      if (!at || Number.isNaN(Date.parse(at)))
        throw new InputError(
          `${file}:${index + 1}`,
          `${JSON.stringify(line.slice(0, 40))} does not begin with an instant.`,
          {
            remedy: 'Write it as 2024-05-01T06:00:00Z.',
          },
        );
      yield {
        kind: 'note',
        id: `note-${String(index + 1).padStart(4, '0')}`,
        key: key(at, text),
        at,
        text,
        uri: file,
        line: index + 1,
      };
    }
  },
});

/** FNV-1a, 32 bits. */
function hash(text) {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/**
 * A word's vector: each of its trigrams (with marks for beginning and end) adds 1 or -1 in one place. Words that share
 * their stem come out near one another; see Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information",
 * and Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning".
 */
function vectorOf(word, channels) {
  const vector = new Float32Array(channels);
  const marked = `<${word.toLowerCase()}>`;
  for (let i = 0; i + 3 <= marked.length; i++) {
    const h = hash(marked.slice(i, i + 3));
    vector[(h >>> 1) % channels] += h & 1 ? 1 : -1;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** Tokens `[token, channels]`: one for every word of a note. */
export const words = defineEncoder({
  type: 'words',
  summary: 'Makes a token of every word of a note, from its trigrams.',
  options: z.strictObject({ channels: z.int().min(8).default(128).describe('Numbers for a word.') }),
  examples: ['- type: encoder/words', '- type: encoder/words\n  with: { channels: 256 }'],

  describe: (input, { options: { channels } }) =>
    input?.kind === 'note'
      ? { output: spec('tokens', { token: null, channels }, 'float32', input.count) }
      : refuse(`it takes notes, not ${input?.kind ?? 'nothing'}.`, { remedy: 'Put it after source/notes.' }),

  each(note, { options: { channels }, type, key }) {
    const found = note.text.match(/[\p{L}\p{N}]+/gu) ?? [];
    if (found.length === 0)
      throw new InputError(`${note.uri}:${note.line}`, 'has no word.', {
        remedy: 'Leave it out with `onError: skip`.',
      });
    const data = new Float32Array(found.length * channels);
    found.forEach((word, i) => data.set(vectorOf(word, channels), i * channels));
    return {
      kind: 'tokens',
      id: note.id,
      key: key(note.key),
      axes: ['token', 'channels'],
      values: tensor('float32', [found.length, channels], data),
      origin: { kind: 'text', uri: note.uri, line: note.line, at: note.at, words: found },
      encoder: { name: type, fingerprint: lineage(type, 'trigrams', channels) },
    };
  },
});
