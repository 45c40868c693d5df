// What is used of onnxruntime-node, declared here: its own declarations name types of browsers, which a program without
// the DOM library does not have, and these reach what this package exports.

/** A tensor that the runtime reads or writes in place. */
export interface OnnxTensor {
  readonly data: unknown;
}

/** A loaded graph. */
export interface OnnxSession {
  run(
    feeds: Readonly<Record<string, OnnxTensor>>,
    fetches: Readonly<Record<string, OnnxTensor>>,
  ): Promise<Readonly<Record<string, OnnxTensor>>>;
}

/** The module, as far as products need it. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: {
        readonly intraOpNumThreads: number;
        readonly interOpNumThreads: number;
        readonly executionMode: 'sequential';
        readonly enableCpuMemArena: boolean;
      },
    ): Promise<OnnxSession>;
  };
  readonly Tensor: new (
    type: 'uint8' | 'int8' | 'int32' | 'float32',
    data: Uint8Array | Int8Array | Int32Array | Float32Array,
    dims: readonly number[],
  ) => OnnxTensor;
}
