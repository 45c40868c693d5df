// Cuts normalised frames into the patches that the first linear layer takes.

import { tensor, type Tensor } from '@deepearth/core/tensor';

/**
 * `[batch, frames, 3, height, width]` to `[batch, tokens, 3 * tubelet * patch * patch]`: the values that the original's
 * strided convolution sees under its kernel, in the kernel's order (channel, frame, row, column); tokens by time, row,
 * column. Frames that fill no tubelet are dropped; so are rows and columns that fill no patch.
 */
export function cutPatches(pixels: Tensor<'float32'>, tubelet: number, patch: number): Tensor<'float32'> {
  const [batch, frames, channels, height, width] = pixels.shape as [number, number, number, number, number];
  const steps = Math.floor(frames / tubelet);
  const rows = Math.floor(height / patch);
  const columns = Math.floor(width / patch);
  const size = channels * tubelet * patch * patch;
  const tokens = steps * rows * columns;
  const { data } = pixels;
  const out = new Float32Array(batch * tokens * size);
  for (let clip = 0; clip < batch; clip++)
    for (let step = 0; step < steps; step++)
      for (let channel = 0; channel < channels; channel++)
        for (let frame = 0; frame < tubelet; frame++)
          for (let y = 0; y < rows * patch; y++) {
            let from = (((clip * frames + step * tubelet + frame) * channels + channel) * height + y) * width;
            const token = clip * tokens + (step * rows + Math.floor(y / patch)) * columns;
            let to = token * size + ((channel * tubelet + frame) * patch + (y % patch)) * patch;
            for (let column = 0; column < columns; column++, to += size - patch)
              for (let x = 0; x < patch; x++) out[to++] = data[from++]!;
          }
  return tensor('float32', [batch, tokens, size], out);
}
