// The pipeline that `deepearth init` writes.

export const starterPipeline = `# To begin with: frames become tokens, tokens become colours, colours become pictures.
# "deepearth stages" lists what it can be made of, "deepearth plan pipeline.yaml" prints what it will do.
# For completion in an editor: deepearth schema --output pipeline.schema.json
name: first
output: first-output

stages:
  # Frames of your own:
  #   type: source/frames
  #   with: { directory: path/to/frames }
  - id: frames
    type: source/synthetic
    with: { count: 32 }

  # 16 frames make a clip.
  - id: clips
    type: windower/sliding

  # The built-in model needs no download; it is constructed, not trained.
  # The real one: model: facebook/vjepa2-vitg-fpc64-384
  # "fit: resize" shows it the whole of each frame as a square, "crop" (the default) the square in the middle, "tile" all
  # of it in several squares.
  - id: tokens
    type: encoder/vjepa2
    with: { model: builtin, fit: resize }

  - id: features
    type: sink/features

  - id: colours
    type: reducer/pca
    from: tokens

  - id: overlay
    type: renderer/overlay

  - id: pictures
    type: sink/pictures

  - id: animation
    type: sink/gif
    from: overlay
`;
