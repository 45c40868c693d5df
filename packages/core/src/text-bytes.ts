// A text that comes in many small pieces, as few pieces of bytes.

/** Characters that are gathered before they become bytes. */
const mostGathered = 1 << 15;

/**
 * UTF-8 of the pieces together. Each piece of bytes lies where the one before lay: a hundred megabytes of new memory
 * are a hundred for some time.
 */
export async function* textBytes(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  // A unit of UTF-16 is at most three bytes.
  const room = new Uint8Array(3 * mostGathered);
  let gathered = '';
  for await (const piece of pieces) {
    gathered += piece;
    while (gathered.length >= mostGathered) {
      const { read, written } = encoder.encodeInto(gathered, room);
      yield room.subarray(0, written);
      gathered = gathered.slice(read);
    }
  }
  if (gathered !== '') yield room.subarray(0, encoder.encodeInto(gathered, room).written);
}
