// Tells which inputs of a stage can wait, unread, until the inputs before them have ended.

import type { Pipeline, PipelineStage } from './pipeline.ts';

/**
 * Of each input of a stage, whether leaving it unread holds up nothing that the stage needs for the inputs before it:
 * it is then read when its turn comes. A producer waits for its slowest consumer, so an input that is joined to them by
 * any way through the graph, in whatever direction, has to be read on.
 */
export function inputsThatWait({ stages }: Pick<Pipeline, 'stages'>, stage: PipelineStage): readonly boolean[] {
  if (stage.from.length < 2) return stage.from.map(() => false);
  const groups = new Groups();
  for (const { id, from } of stages) if (id !== stage.id) for (const source of from) groups.join(id, source);
  // The inputs from each one on are unread, so their edges to the stage join nothing yet.
  return stage.from.map((input, index) => {
    const waits = index > 0 && !groups.together(input, stage.id);
    groups.join(input, stage.id);
    return waits;
  });
}

/** Names in groups that are joined one by one; two that are in no group are apart. */
class Groups {
  readonly #above = new Map<string, string>();

  #head(name: string): string {
    let head = name;
    for (let above = this.#above.get(head); above !== undefined; above = this.#above.get(head)) head = above;
    // What was passed on the way stands directly below the head from now on.
    for (let at = name; at !== head;) {
      const above = this.#above.get(at)!;
      this.#above.set(at, head);
      at = above;
    }
    return head;
  }

  join(a: string, b: string): void {
    const [one, other] = [this.#head(a), this.#head(b)];
    if (one !== other) this.#above.set(one, other);
  }

  together(a: string, b: string): boolean {
    return this.#head(a) === this.#head(b);
  }
}
