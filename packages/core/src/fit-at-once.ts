// How many pictures are read at a time.

/** Pixels that are read ahead hold no more than this. */
const mostBytes = 2 ** 26;

/** How many of at most `most` pictures of so many bytes fit into 64 MiB; one in any case. */
export const fitAtOnce = (bytes: number, most: number): number =>
  Math.max(1, Math.min(most, Math.floor(mostBytes / Math.max(1, bytes))));
