// Starts WebAssembly that is stored as base64, and gives it room.

/** What the module exports; the caller says its type. It imports nothing; compiled at once, since kernels are small. */
export const wasmExports = <Exports>(base64: string): Exports =>
  new WebAssembly.Instance(
    new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))),
  ).exports as unknown as Exports;

/** Memory of WebAssembly. */
export interface GrowingMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

const pageBytes = 65536;

/** Grows a memory to at least so many bytes. */
export function growTo(memory: GrowingMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
}
