// The stages behind the source of pipelines that faults befall: an encoder that takes a while, a reducer that needs all
// tokens, pictures, and files of one item and of many.

/** YAML below `stages:`, behind a source whose id is `frames`. */
export const stagesBehindFrames = `  - { id: clips, type: windower/sliding, with: { stride: 8 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 64, threads: 1 } }
  - { id: features, type: sink/features }
  - { id: reduced, type: reducer/pca, from: tokens }
  - { id: overlay, type: renderer/overlay }
  - { id: gif, type: sink/gif }
  - { id: mean, type: aggregator/mean, from: tokens }
  - { id: table, type: sink/table }
`;
