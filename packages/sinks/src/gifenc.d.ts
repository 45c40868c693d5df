// Types of the parts of gifenc that are used; the package has none.

declare module 'gifenc' {
  export type Palette = number[][];

  export interface FrameOptions {
    palette?: Palette;
    transparent?: boolean;
    transparentIndex?: number;
    /** Milliseconds, rounded to hundredths of a second. */
    delay?: number;
    /** 0 for ever, -1 once. */
    repeat?: number;
    dispose?: number;
  }

  export interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options?: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
    readonly stream: { reset(): void };
  }

  const gifenc: {
    GIFEncoder(options?: { initialCapacity?: number; auto?: boolean }): Encoder;
    /** Quantises `[pixels, 4]`; the array has to own its whole buffer. */
    quantize(rgba: Uint8Array, maxColors: number, options?: { format?: 'rgb565' | 'rgb444' | 'rgba4444' }): Palette;
  };
  export default gifenc;
}
