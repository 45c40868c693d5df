// What an encoder makes of a batch.

import type { Grid } from './architecture.ts';
import type { Unpacked } from './family.ts';
import type { Tensors } from './session-protocol.ts';

/** Output of one call of `encode`. */
export interface Encoded extends Unpacked {
  /** Everything the graph returned, by name; `[batch, tokens, …]`. */
  readonly outputs: Tensors;
  readonly grid: Grid;
}
