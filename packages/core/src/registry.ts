// The stages that can be named: an object with a loader for each.

import { closest, DeepEarthError } from './errors.ts';
import { stageKinds, type StageDefinition, type StageKind, type StageList } from './stage.ts';

/**
 * The stages that can be named. A value that is passed on: there is no global one, and importing a stage registers
 * nothing.
 */
export interface StageRegistry {
  /** All stage types, by kind in the order of a pipeline, then by name. */
  readonly types: readonly string[];
  has(type: string): boolean;
  /** Loads one stage. Throws a `DeepEarthError` with a suggestion when there is none of that type. */
  load(type: string): Promise<StageDefinition>;
  /** A registry that also holds `list`; the later list wins. */
  with(list: StageList): StageRegistry;
}

/** Makes a registry from the lists of packages; nothing is loaded before `load` names it. */
export function createRegistry(...lists: readonly StageList[]): StageRegistry {
  const loaders: Readonly<Record<string, () => Promise<StageDefinition>>> = Object.assign(
    Object.create(null),
    ...lists,
  );
  const rank = (type: string): number => stageKinds.indexOf(type.split('/')[0] as StageKind);
  const types = Object.keys(loaders).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return {
    types,
    has: (type) => type in loaders,
    async load(type) {
      const loader = loaders[type];
      if (!loader)
        throw new DeepEarthError(`there is no stage type ${JSON.stringify(type)}.${unknownTypeRemedy(type, types)}`, {
          code: 'E_STAGE_UNKNOWN',
        });
      const definition = await loader();
      if (definition.type !== type)
        throw new DeepEarthError(`the loader listed as ${type} returns the stage ${definition.type}`, {
          code: 'E_STAGE_LIST',
        });
      return definition;
    },
    with: (list) => createRegistry(...lists, list),
  };
}

/** "Did you mean reducer/umap?", or where to see what there is. */
export function unknownTypeRemedy(type: string, types: readonly string[]): string {
  const named = types.find((known) => known.split('/')[1] === type.split('/').at(-1));
  const near = closest(type, types) ?? named;
  return near
    ? ` Did you mean ${near}?`
    : ' "deepearth stages" lists them; stages of your own come in through "plugins".';
}
