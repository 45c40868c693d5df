// Which share of its pixels a token saw, as files keep it.

import type { Tensor } from '@deepearth/core/tensor';

/** Shares from 0 (masked) to 255; a mask of yes and no says 255 and 0. */
export const sharesOf = ({ dtype, data }: Tensor<'bool' | 'uint8'>): Uint8Array =>
  dtype === 'uint8' ? data : Uint8Array.from(data, (seen) => (seen ? 255 : 0));
