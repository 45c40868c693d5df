// Gathers the mistakes of a pipeline. Telling one costs something (its place is looked for, and a name like the one
// that is wrong), and a file can hold very many.

import { ConfigError, mostMistakes, type ConfigIssue } from './errors.ts';

/** Mistakes as they are found. Only as many are worked out as are told. */
export class Mistakes {
  readonly #found: ConfigIssue[] = [];

  /** Notes a mistake; `tell` is called only where there is room for it. */
  add(tell: () => ConfigIssue): void {
    // One more than is told, so that the error can say that there are more.
    if (this.#found.length <= mostMistakes) this.#found.push(tell());
  }

  /** Throws a `ConfigError` where there are any, or what `conceal` makes of it. */
  throwAny(conceal: (error: ConfigError) => unknown = (error) => error): void {
    if (this.#found.length > 0) throw conceal(new ConfigError(this.#found));
  }
}
