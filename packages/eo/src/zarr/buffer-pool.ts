// Memory that is used again for one chunk after the other: many short-lived buffers keep the garbage collector busy.
// Threads share it, so that a chunk can be decoded elsewhere without being copied there and back.

/** Gives memory for so many bytes; it holds anything. */
export type Room = (bytes: number) => Uint8Array;

/** Memory of its own for every asking. */
export const ownRoom: Room = (bytes) => new Uint8Array(new ArrayBuffer(bytes));

/** Whether threads may share this memory. */
export const isShared = ({ buffer }: Uint8Array): boolean => buffer instanceof SharedArrayBuffer;

/** Buffers that come back. */
export interface BufferPool {
  /** Calls `work` with room that lasts as long as it does. */
  using<T>(work: (room: Room) => Promise<T>): Promise<T>;
}

/** Bytes that wait to be used again at most. */
const mostIdleBytes = 2 ** 25;

let shared: BufferPool | undefined;

/** One pool for all stores: a store that is opened anew for every slice finds its buffers warm. */
export const sharedBuffers = (): BufferPool => (shared ??= bufferPool());

/** A pool without buffers. */
function bufferPool(): BufferPool {
  const idle: Uint8Array[] = [];
  let bytesIdle = 0;
  const take = (bytes: number): Uint8Array => {
    const at = idle.findIndex(({ length }) => length >= bytes && length <= 2 * bytes + 65_536);
    if (at < 0) return new Uint8Array(new SharedArrayBuffer(Math.ceil(bytes / 65_536) * 65_536));
    const [found] = idle.splice(at, 1) as [Uint8Array];
    bytesIdle -= found.length;
    return found;
  };
  return {
    async using(work) {
      const taken: Uint8Array[] = [];
      try {
        return await work((bytes) => {
          const buffer = take(bytes);
          taken.push(buffer);
          return buffer.subarray(0, bytes);
        });
      } finally {
        for (const buffer of taken)
          if (bytesIdle + buffer.length <= mostIdleBytes) {
            idle.push(buffer);
            bytesIdle += buffer.length;
          }
      }
    },
  };
}
