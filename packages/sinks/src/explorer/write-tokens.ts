// Writes coded tokens in chunks of whole clips.

import type { Artifact } from '@deepearth/core';
import { tokensPath, type BundleClip } from './bundle-index.ts';
import type { Gathered, WaitingGrid } from './gather-tokens.ts';
import type { ExplorerContext, Write } from './options.ts';
import type { FittedCode } from './token-code.ts';

/** Bytes of tokens in one file, unless one clip has more. */
const chunkBytes = 1 << 22;

/** Lays clips into chunks, whole and in their order. */
export function inChunks(
  grids: ReadonlyMap<string, WaitingGrid>,
  bytesPerToken: number,
): { clips: Map<string, BundleClip>; chunks: number[] } {
  const clips = new Map<string, BundleClip>();
  const chunks: number[] = [];
  for (const [id, { clip, tokens }] of grids) {
    const open = chunks.at(-1);
    const fits = open !== undefined && (open + tokens) * bytesPerToken <= chunkBytes;
    if (!fits) chunks.push(0);
    const chunk = chunks.length - 1;
    clips.set(id, { ...clip, chunk, offset: chunks[chunk]! });
    chunks[chunk]! += tokens;
  }
  return { clips, chunks };
}

/** Codes tokens and writes them, one chunk in memory at a time. */
export async function* writeTokens(
  { grids, read, key }: Gathered,
  clips: ReadonlyMap<string, BundleClip>,
  chunks: readonly number[],
  code: FittedCode,
  { signal, progress }: ExplorerContext,
  write: Write,
): AsyncGenerator<Artifact> {
  let bytes = new Int8Array(0);
  let written = 0;
  const flush = (chunk: number): Promise<Artifact> =>
    write(tokensPath(chunk), 'application/octet-stream', key, new Uint8Array(bytes.buffer));
  let done = 0;
  for (const [id, waiting] of grids) {
    signal.throwIfAborted();
    const { chunk, offset } = clips.get(id)!;
    if (chunk > written) yield await flush(written++);
    if (offset === 0) bytes = new Int8Array(chunks[chunk]! * code.bytes);
    bytes.set(code.encode(await read(waiting)), offset * code.bytes);
    progress('tokens', ++done, grids.size);
  }
  yield await flush(written);
}
