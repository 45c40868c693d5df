// What the writer of GeoTIFFs uses of Node's zlib, by what browsers have.

/** Deflates with a zlib header; the level is the browser's. */
export function deflate(
  bytes: Uint8Array<ArrayBuffer>,
  _options: unknown,
  done: (error: Error | null, result: Uint8Array) => void,
): void {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  new Response(stream).arrayBuffer().then(
    (buffer) => done(null, new Uint8Array(buffer)),
    (error: unknown) => done(error as Error, new Uint8Array()),
  );
}
