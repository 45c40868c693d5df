// A text that comes in many small pieces, as few pieces of bytes.

/** Characters that are gathered before they become bytes. */
const mostGathered = 1 << 15;

/**
 * UTF-8 of the pieces together. Each piece of bytes lies where the one before lay: a hundred megabytes of new memory
 * are a hundred for some time.
 */
export async function* textBytes(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let room = new Uint8Array(0);
  const bytesOf = (text: string): Uint8Array => {
    // A unit of UTF-16 is at most three bytes.
    if (room.byteLength < 3 * text.length) room = new Uint8Array(3 * text.length);
    return room.subarray(0, encoder.encodeInto(text, room).written);
  };
  let gathered = '';
  for await (const piece of pieces) {
    gathered += piece;
    if (gathered.length < mostGathered) continue;
    yield bytesOf(gathered);
    gathered = '';
  }
  if (gathered !== '') yield bytesOf(gathered);
}
