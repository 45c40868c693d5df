// Random access to bytes, wherever they lie: what readers of files take and run stores give.

/** Bytes with a known size that can be read in pieces. */
export interface ByteSource {
  /** Names it in errors: a path, a URL, "model.safetensors". */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset`. The result may share memory with the source: do not write into it.
   * Throws an `InputError` when the range leaves the source or the source turns out to be shorter than it said. A
   * source may put the bytes at the start of `into`, where it is long enough, instead of taking new memory.
   */
  read(offset: number, length: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
  /** Lets go of what the source holds; reading afterwards fails. Safe to call twice. */
  close(): Promise<void>;
}
