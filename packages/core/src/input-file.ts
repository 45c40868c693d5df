// A file that a run read.

/** A file a source (or an encoder's checkpoint) read, for the manifest. */
export interface InputFile {
  readonly path: string;
  /**
   * What the path is called where it is another machine's, of a file in a cache: "$HF_HUB_CACHE/models--org--name/…". A
   * manifest that travels with results says this.
   */
  readonly place?: string;
  readonly bytes: number;
  readonly sha256: string;
}
