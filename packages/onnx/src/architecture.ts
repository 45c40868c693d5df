// What every encoder's architecture has in common.

/** The numbers that the shared parts need; a family adds what its graph needs. Survives JSON. */
export interface EncoderArchitecture {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly headSize: number;
  /** Width between the two matrices of a layer's MLP. */
  readonly mlpSize: number;
  /** Edge of a patch, pixels. */
  readonly patchSize: number;
  /** Edge of the picture that is encoded by default, pixels. */
  readonly cropSize: number;
}

/** Tokens of one input: time steps, rows, columns. */
export interface Grid {
  readonly time: number;
  readonly height: number;
  readonly width: number;
}
