// Small pipelines that together have every kind of stage. Each has a larger form, whose run leaves files that a run of
// the smaller form has to remove.

const encoder = '{ id: tokens, type: encoder/vjepa2, with: { cropSize: 64, threads: 1 } }';
const pca = `  - { id: reduced, type: reducer/pca, from: tokens, with: { saveAs: pca.safetensors } }`;

/** `name`: YAML of the larger (true) or smaller form. `features` lies beside the pipelines, made by `colours`. */
export const pipelines = {
  colours: (larger) => `name: colours
stages:
  - { id: frames, type: source/frames, with: { directory: frames, last: ${larger ? 39 : 23} } }
  - { id: clips, type: windower/sliding, with: { stride: 8 } }
  - ${encoder}
  - { id: features, type: sink/features }
${pca}
  - { id: overlay, type: renderer/overlay }
  - { id: beside, type: renderer/side-by-side, from: reduced }
  - { id: stacked, type: renderer/stacked, from: reduced, with: { framePixels: 150 } }
  - { id: panels, type: renderer/panels, from: [overlay, stacked] }
  - { id: pictures, type: sink/pictures, from: [overlay, beside, stacked, panels] }
  - { id: gif, type: sink/gif, from: overlay }
  - { id: package, type: sink/package, from: [features, pictures, gif] }
`,
  umap: (larger) => `name: umap
stages:
  - { id: frames, type: source/synthetic, with: { count: ${larger ? 48 : 32}, width: 64, height: 64 } }
  - { id: clips, type: windower/sliding }
  - ${encoder}
  - { id: reduced, type: reducer/umap, from: tokens, with: { epochs: 20, saveAs: umap.safetensors } }
  - { id: places, type: sink/features, from: reduced, with: { format: pt } }
  - { id: squares, type: renderer/tokens, from: reduced, with: { cellPixels: 6 } }
  - { id: sheet, type: renderer/contact-sheet, with: { cellPixels: 32 } }
  - { id: pictures, type: sink/pictures, from: [squares, sheet], with: { format: jpeg } }
  - { id: mean, type: aggregator/mean, from: tokens }
  - { id: table, type: sink/table, with: { format: parquet } }
`,
  groups: (larger) => `name: groups
stages:
  - { id: frames, type: source/frames, with: { directory: frames, last: ${larger ? 11 : 5} } }
  - { id: parts, type: transform/crop, with: { x: 0, y: 0, width: 64, height: 64 } }
  - { id: clips, type: windower/still }
  - ${encoder}
  - { id: groups, type: reducer/kmeans, with: { clusters: 4, saveAs: kmeans.safetensors } }
  - { id: squares, type: renderer/tokens, with: { cellPixels: 6 } }
  - { id: pictures, type: sink/pictures, with: { format: webp } }
  - { id: gif, type: sink/gif, from: squares }
  - { id: shares, type: sink/table, from: groups }
  - { id: package, type: sink/package, from: [pictures, gif, shares], with: { folder: laid } }
`,
  again: (larger) => `name: again
stages:
  - { id: tokens, type: source/features, with: { path: features } }
  - { id: near, type: reducer/similarity, from: tokens }
  - { id: squares, type: renderer/tokens, with: { cellPixels: 6 } }
  - { id: pictures, type: sink/pictures }
  - { id: copies, type: sink/features, from: near, with: { directory: near, format: npy } }
${
  larger
    ? `  - { id: few, type: reducer/random-projection, from: tokens }
  - { id: others, type: renderer/tokens, with: { cellPixels: 4 } }
  - { id: moving, type: sink/gif }
  - { id: stills, type: sink/pictures, from: others }
`
    : ''
}`,
};
