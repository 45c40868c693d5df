// Where the boxes of a run's graph stand: in layers, each behind all that it takes from.

/** What is drawn of a stage. */
export interface GraphStage {
  readonly id: string;
  readonly from: readonly string[];
}

/** Where a stage stands. */
export interface GraphPlace<S> {
  readonly stage: S;
  /** Layer along the flow, and place across it; both from 0. */
  readonly along: number;
  readonly across: number;
}

/** A drawn graph. */
export interface GraphLayout<S> {
  readonly places: readonly GraphPlace<S>[];
  readonly layers: number;
  /** Places across of the widest layer. */
  readonly breadth: number;
}

/** Lays out stages in their order; ids in `from` that no stage has are left out. */
export function layoutOf<S extends GraphStage>(stages: readonly S[]): GraphLayout<S> {
  const layerOf = new Map<string, number>();
  // Stages follow those they take from.
  for (const { id, from } of stages)
    layerOf.set(
      id,
      from.reduce((most, each) => Math.max(most, (layerOf.get(each) ?? -1) + 1), 0),
    );
  const layers: S[][] = [];
  for (const stage of stages) (layers[layerOf.get(stage.id)!] ??= []).push(stage);
  const takers = new Map<string, string[]>();
  for (const { id, from } of stages) for (const each of from) takers.set(each, [...(takers.get(each) ?? []), id]);
  const at = new Map<string, number>();
  for (const layer of layers) layer.forEach(({ id }, index) => at.set(id, index));
  // Each among the middle of what it is connected with, forwards and backwards, so that few lines cross.
  for (let round = 0; round < 4; round++) {
    const forwards = round % 2 === 0;
    for (const layer of forwards ? layers : [...layers].reverse()) {
      const middle = ({ id, from }: S): number => {
        const near = (forwards ? from : (takers.get(id) ?? [])).flatMap((each) => at.get(each) ?? []);
        return near.length > 0 ? near.reduce((sum, each) => sum + each, 0) / near.length : at.get(id)!;
      };
      const middles = new Map(layer.map((stage) => [stage, middle(stage)]));
      layer.sort((a, b) => middles.get(a)! - middles.get(b)! || at.get(a.id)! - at.get(b.id)!);
      layer.forEach(({ id }, index) => at.set(id, index));
    }
  }
  const breadth = layers.reduce((most, { length }) => Math.max(most, length), 0);
  return {
    // A layer stands in the middle of the widest one.
    places: stages.map((stage) => {
      const layer = layerOf.get(stage.id)!;
      return { stage, along: layer, across: at.get(stage.id)! + (breadth - layers[layer]!.length) / 2 };
    }),
    layers: layers.length,
    breadth,
  };
}
