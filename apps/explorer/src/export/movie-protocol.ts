// What the page and the worker that encodes say to each other.

/** How a film is encoded. */
export interface MovieSettings {
  readonly format: 'gif' | 'mp4';
  readonly width: number;
  readonly height: number;
  readonly fps: number;
}

/** The first is `open`, then pictures one at a time, `[height, width, 4]`, then `end`. */
export type MovieRequest =
  { readonly open: MovieSettings } | { readonly pixels: Uint8Array<ArrayBuffer> } | { readonly end: true };

/** One to each request. */
export type MovieReply =
  { readonly done: true; readonly encoder?: string } | { readonly file: Blob } | { readonly error: string };
