// What a stage returns when it cannot take its inputs.

/** Why two stages cannot be connected, or options that make no sense together. */
export interface Refusal {
  readonly refused: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** The option at fault, so that the error can point at its line. */
  readonly option?: string;
}

/** What `describe` returns when it cannot take its input. */
export const refuse = (refused: string, details: Omit<Refusal, 'refused'> = {}): Refusal => ({ refused, ...details });
/** Whether `describe` refused. */
export const isRefusal = (described: object): described is Refusal => 'refused' in described;
