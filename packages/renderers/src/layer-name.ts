// What the pictures of a renderer are called.

/**
 * The layer of the pictures of a reducer: what the options say, else the stage's id where its pictures would be called
 * like another stage's, else the reducer and what is drawn: "umap-overlay".
 */
export const layerName =
  (layer: string | undefined, ownName: string | undefined, drawn: string) =>
  (reducer: string): string =>
    layer ?? ownName ?? `${reducer}-${drawn}`;
