// What is used of the package `lerc`, which comes without types.

declare module 'lerc' {
  const Lerc: {
    decode(
      input: ArrayBufferLike,
      options?: { readonly returnPixelInterleavedDims?: boolean },
    ): {
      readonly width: number;
      readonly height: number;
      readonly mask?: Uint8Array | null;
      readonly pixels: readonly ArrayBufferView<ArrayBuffer>[];
    };
  };
  export default Lerc;
}
