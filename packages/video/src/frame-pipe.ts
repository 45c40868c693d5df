// A pipe for pixels: what a program writes to its standard output is read straight into the memory of frames.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Frames of one size that come out of a program. */
export interface FramePipe {
  /** For `stdio` of `spawn`, as the standard output of the program. */
  readonly output: Socket | 'pipe';
  /** Called once the program was started, with what `spawn` returned for its output. */
  started(stdout: Readable | null): void;
  /** The bytes of the next frame; `undefined` where they end before it is whole. The memory is the caller's. */
  next(): Promise<Uint8Array | undefined>;
  /** Takes back the memory of a frame that nobody wants any more. */
  reuse(frame: Uint8Array): void;
  close(): void;
}

/** Bytes of whole frames that wait before no more are read. */
const enough = 2 ** 20;
/** Bytes of memory that wait to be used again. */
const mostSpare = 2 ** 24;

/**
 * A pipe for frames of so many bytes. Node reads the output of a program in pieces of 64 KiB that it allocates one by
 * one:
 * twice the memory to collect, and each byte is copied. A socket may be read into memory of ours; a program can have
 * one as its output where there are Unix sockets, and has a usual pipe elsewhere.
 */
export async function framePipe(frameBytes: number): Promise<FramePipe> {
  const whole: Uint8Array[] = [];
  const spare: Uint8Array<ArrayBuffer>[] = [];
  let filling = new Uint8Array(frameBytes);
  let at = 0;
  let over = false;
  let waiting: (() => void) | undefined;
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  /** So many bytes more have come. Returns whether more are wanted now. */
  const filled = (bytes: number): boolean => {
    at += bytes;
    if (at === frameBytes) {
      whole.push(filling);
      filling = spare.pop() ?? new Uint8Array(frameBytes);
      at = 0;
      wake();
    }
    return (whole.length + 1) * frameBytes <= enough || whole.length === 0;
  };
  const end = (): void => {
    over = true;
    wake();
  };
  const take = (part: Uint8Array): void => {
    let more = true;
    for (let from = 0; from < part.length;) {
      const count = Math.min(part.length - from, frameBytes - at);
      filling.set(part.subarray(from, from + count), at);
      more = filled(count);
      from += count;
    }
    if (!more) stream?.pause();
  };

  const ends = await socketPair(() => filling.subarray(at), filled).catch(() => undefined);
  let stream: Readable | undefined;
  const listen = (to: Readable): void => {
    stream = to;
    stream.once('end', end).once('close', end).on('error', end);
  };
  if (ends) listen(ends.ours);
  return {
    output: ends?.theirs ?? 'pipe',
    started(stdout) {
      // The end of the program alone keeps it open from now on.
      ends?.theirs.destroy();
      if (!ends && stdout) listen(stdout.on('data', take).pause());
      else if (!ends) end();
    },
    async next() {
      while (whole.length === 0 && !over)
        await new Promise<void>((resolve) => {
          waiting = resolve;
          stream?.resume();
        });
      return whole.shift();
    },
    reuse(frame) {
      if (!over && (spare.length + 1) * frameBytes <= Math.max(mostSpare, frameBytes))
        spare.push(frame as Uint8Array<ArrayBuffer>);
    },
    close() {
      ends?.theirs.destroy();
      stream?.destroy();
    },
  };
}

/**
 * Two connected sockets: `ours` reads into what `room` returns, and says how much came. Throws where there are no Unix
 * sockets, or no place for one.
 */
async function socketPair(room: () => Uint8Array, came: (bytes: number) => boolean) {
  if (process.platform === 'win32') throw new Error('the standard output of a program cannot be a socket here');
  // Nobody else may look into the folder.
  const folder = await mkdtemp(join(tmpdir(), 'frames-'));
  const server = createServer({ pauseOnConnect: true });
  try {
    server.listen(join(folder, 'pipe'));
    await once(server, 'listening');
    const ours = connect({ path: join(folder, 'pipe'), onread: { buffer: room, callback: came } }).pause();
    const [[theirs]] = (await Promise.all([once(server, 'connection'), once(ours, 'connect')])) as [[Socket], unknown];
    return { ours, theirs };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
