// A file that a run read.

/** A file a source (or an encoder's checkpoint) read, for the manifest. */
export interface InputFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}
