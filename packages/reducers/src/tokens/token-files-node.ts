// Tokens of several files as those of one (Node only).

import { InputError } from '@deepearth/core/errors';
import { elementCount } from '@deepearth/core/tensor';
import { gatherRows, openTokens, type TokenSource, type TokenSourceOptions } from './token-source-node.ts';

/**
 * Opens the tokens of files, one file after the other. Where all have one shape the files are the first axis of the
 * result, else it has one axis of tokens. Of several files no more than one is open at a time. Throws as `openTokens`
 * does, and an `InputError` where widths or encoders differ.
 */
export async function openTokenFiles(
  paths: string | readonly string[],
  options: TokenSourceOptions = {},
): Promise<TokenSource> {
  const [first, ...others] = typeof paths === 'string' ? [paths] : paths;
  if (first === undefined) throw new InputError('tokens', 'no file was named.', { code: 'E_NO_TOKENS' });
  if (others.length === 0) return openTokens(first, options);
  const files: TokenSource[] = [];
  for (const path of [first, ...others]) {
    const file = await openTokens(path, options);
    await file.close();
    refuseOther(file, files[0]);
    files.push(file);
  }
  return joined(files, options);
}

function refuseOther(file: TokenSource, first: TokenSource | undefined): void {
  if (!first) return;
  if (file.channels !== first.channels)
    throw new InputError(
      file.path,
      `has tokens of ${file.channels} numbers, ${first.path} of ${first.channels}; one fit takes one width.`,
    );
  if (file.encoder && first.encoder && file.encoder.fingerprint !== first.encoder.fingerprint)
    throw new InputError(
      file.path,
      `was made by ${file.encoder.name} (${file.encoder.fingerprint}), ${first.path} by ${first.encoder.name} (${first.encoder.fingerprint}).`,
      { remedy: 'Tokens of different encoders do not mix: reduce each by itself.' },
    );
}

function joined(files: readonly TokenSource[], options: TokenSourceOptions): TokenSource {
  const { path, channels, shape } = files[0]!;
  const sizes = files.map((file) => elementCount(file.shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const alike = files.every((file) => file.shape.join() === shape.join());
  const encoder = files.find((file) => file.encoder)?.encoder;
  const valid = files.some((file) => file.valid) ? new Uint8Array(total).fill(255) : undefined;
  let at = 0;
  files.forEach((file, index) => {
    if (file.valid) valid!.set(file.valid, at);
    at += sizes[index]!;
  });
  const inFile = async function* <T>(file: TokenSource, use: (opened: TokenSource) => AsyncIterable<T>) {
    const opened = await openTokens(file.path, options);
    try {
      yield* use(opened);
    } finally {
      await opened.close();
    }
  };
  const inEach = async function* <T>(use: (opened: TokenSource) => AsyncIterable<T>) {
    for (const file of files) yield* inFile(file, use);
  };
  const pick = async function* (_grid: number, wanted: ArrayLike<number>, signal?: AbortSignal) {
    let [before, next] = [0, 0];
    for (const file of files) {
      const from = next;
      while (next < wanted.length && wanted[next]! < before + file.count) next++;
      const numbers = Uint32Array.from({ length: next - from }, (_, i) => wanted[from + i]! - before);
      if (numbers.length > 0) yield* inFile(file, (opened) => opened.pick(0, numbers, signal));
      before += file.count;
    }
  };
  return {
    path: `${path} and ${files.length - 1} more`,
    shape: alike ? [files.length, ...shape] : [total],
    channels,
    count: files.reduce((sum, { count }) => sum + count, 0),
    ...(valid ? { valid } : {}),
    ...(encoder ? { encoder } : {}),
    pieces: (signal) => inEach((opened) => opened.pieces(signal)),
    chunks: (signal) => inEach((opened) => opened.chunks(signal)),
    pick,
    rows: (wanted, signal) => gatherRows(pick(0, wanted, signal), wanted.length * channels),
    close: async () => undefined,
  };
}
