// Reads frames of a video by number, each decoded once where they are read in order.

import { InputError, type Raster } from '@deepearth/core';
import type { Decoded, Video } from './open-video.ts';

/** Reads frames of one video. */
export interface VideoReader {
  /** Throws an `InputError` for a frame that cannot be decoded, and the reason of the signal when it is aborted. */
  read(number: number, signal?: AbortSignal): Promise<Raster>;
  /** Ends the decoders; later reads begin anew. */
  rest(): Promise<void>;
}

/** Lets so many readers have decoders running; whoever has not read for longest makes room. */
export interface DecoderPool {
  use(reader: VideoReader): Promise<void>;
  close(): Promise<void>;
}

/**
 * Readers that decode at once: a pipeline reads one video for its encoder, and now and then another for its pictures.
 */
const mostReaders = 2;
/** Places of one video that are read at once: where the encoder is, and where the pictures are drawn. */
const mostCursors = 2;
/**
 * A decoder that has so few frames to go is quicker than a new one, which has to start a process and find its place.
 */
const shortWay = 60;

/** A pool for the readers of a source. */
export function decoderPool(): DecoderPool {
  const running = new Set<VideoReader>();
  return {
    async use(reader) {
      running.delete(reader);
      running.add(reader);
      const [oldest] = running;
      if (running.size <= mostReaders || oldest === undefined) return;
      running.delete(oldest);
      await oldest.rest();
    },
    async close() {
      const all = [...running];
      running.clear();
      await Promise.all(all.map((reader) => reader.rest()));
    },
  };
}

/** Frames that are decoded before they are asked for at most, and their bytes. */
const mostAhead = 8;
export const mostBytesAhead = 3 * 2 ** 23;

/** A decoder and where it is. */
interface Cursor {
  readonly frames: AsyncGenerator<Decoded>;
  /** The number of the frame that comes next. */
  at: number;
  /** Frames that were read one after the other. */
  inOrder: number;
  /** The frames after the one that was read last, while whoever read that works on it. */
  readonly ahead: Promise<IteratorResult<Decoded, void>>[];
  /** Whether it was ended to make room for others. */
  stopped: boolean;
  stop(): Promise<void>;
}

interface Request {
  readonly resolve: (raster: Raster) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A reader of a video. `chosen` are the frames that will be read, ascending (absent: any): what lies between them is
 * not converted. Frames that are asked for at once are decoded in their order, whatever the order of the requests.
 */
export function videoReader(video: Video, pool: DecoderPool, chosen?: Uint32Array): VideoReader {
  const frameRoom = Math.min(Math.max(Math.floor(mostBytesAhead / (video.width * video.height * 3)), 1), mostAhead);
  const wanted = new Map<number, Request[]>();
  const cursors: Cursor[] = [];
  let serving: Promise<void> | undefined;

  const unreadable = (number: number, why: string): InputError =>
    new InputError(video.path, `frame ${number} (${video.seconds[number]?.toFixed(3)} s) cannot be read: ${why}.`, {
      code: 'E_FRAME_UNREADABLE',
      remedy: 'Copy the file again; `verify: true` with `onError: skip` on the source goes on without such frames.',
    });

  const settle = (number: number, use: (request: Request) => void): void => {
    const requests = wanted.get(number) ?? [];
    wanted.delete(number);
    requests.forEach(use);
  };

  function start(from: number): Cursor {
    const ending = new AbortController();
    const wants = (number: number): boolean => wanted.has(number) || cursor.ahead.length > 0;
    const cursor: Cursor = {
      frames: video.decode(from, wants, { chosen, signal: ending.signal }),
      at: from,
      inOrder: 0,
      ahead: [],
      stopped: false,
      async stop() {
        this.stopped = true;
        ending.abort();
        await this.frames.return(undefined).catch(() => undefined);
      },
    };
    return cursor;
  }

  const drop = async (cursor: Cursor): Promise<void> => {
    const at = cursors.indexOf(cursor);
    if (at >= 0) cursors.splice(at, 1);
    await cursor.stop();
  };

  /** The decoder that is quickest at a frame: one that is on its way there, or a new one. */
  async function cursorFor(number: number): Promise<Cursor> {
    const [nearest] = cursors.filter(({ at }) => at <= number).sort((a, b) => b.at - a.at);
    const behindKey = nearest && video.keyBefore(number) > nearest.at && number - nearest.at > shortWay;
    if (nearest && !behindKey) {
      // The one that was used last stands last.
      cursors.splice(cursors.indexOf(nearest), 1);
      cursors.push(nearest);
      return nearest;
    }
    if (nearest) await drop(nearest);
    else if (cursors.length === mostCursors) await drop(cursors[0]!);
    const cursor = start(number);
    cursors.push(cursor);
    return cursor;
  }

  /** Decodes up to a frame, and hands out what is wanted on the way. */
  async function decodeTo(number: number): Promise<void> {
    const cursor = await cursorFor(number);
    cursor.inOrder = number === cursor.at ? cursor.inOrder + 1 : 1;
    try {
      while (cursor.at <= number) {
        const { value, done } = await (cursor.ahead[0] ?? cursor.frames.next());
        void cursor.ahead.shift();
        // Who ended it may still want the frame, from another decoder.
        if (cursor.stopped) return;
        if (done) {
          await drop(cursor);
          return settle(number, ({ reject }) => reject(unreadable(number, 'the decoder did not return it')));
        }
        cursor.at = value.number + 1;
        if (value.raster) settle(value.number, ({ resolve }) => resolve(value.raster!));
        else if (value.damage !== undefined)
          settle(value.number, ({ reject }) => reject(unreadable(value.number, value.damage!)));
      }
      // Whoever reads on and on finds frames that wait, so that the decoder need not.
      while (cursor.ahead.length < Math.min(cursor.inOrder, frameRoom)) {
        const next = cursor.frames.next();
        // Whoever reads on is told.
        next.catch(() => undefined);
        cursor.ahead.push(next);
      }
      // It was passed by.
      settle(number, ({ reject }) => reject(unreadable(number, 'the decoder did not return it')));
    } catch (error) {
      if (cursor.stopped) return;
      await drop(cursor);
      settle(number, ({ reject }) => reject(error));
    }
  }

  async function serve(): Promise<void> {
    let last = -1;
    // Requests of the same moment are taken together.
    await new Promise((resolve) => setImmediate(resolve));
    while (wanted.size > 0) {
      const numbers = [...wanted.keys()].sort((a, b) => a - b);
      last = numbers.find((number) => number > last) ?? numbers[0]!;
      await decodeTo(last);
    }
  }

  const reader: VideoReader = {
    async read(number, signal) {
      signal?.throwIfAborted();
      await pool.use(reader);
      signal?.throwIfAborted();
      return new Promise<Raster>((resolve, reject) => {
        const forget = (): void => signal?.removeEventListener('abort', giveUp);
        const request: Request = {
          resolve: (raster) => (forget(), resolve(raster)),
          reject: (reason) => (forget(), reject(reason as Error)),
        };
        const giveUp = (): void => {
          const others = wanted.get(number)?.filter((other) => other !== request) ?? [];
          if (others.length > 0) wanted.set(number, others);
          else wanted.delete(number);
          request.reject(signal!.reason);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
        wanted.set(number, [...(wanted.get(number) ?? []), request]);
        serving ??= serve().finally(() => (serving = undefined));
      });
    },
    async rest() {
      await Promise.all([...cursors].map(drop));
    },
  };
  return reader;
}
