// What a pickle may ask for: a table of names, each with the one thing that it is allowed to do.

import { printable } from './printable.ts';

/**
 * A name that a pickle may use. It is data, not a function of Python: `call` builds a value from arguments that it
 * checks itself; nothing else is ever called.
 */
export interface Global {
  readonly kind: 'global';
  /** "torch._utils._rebuild_tensor_v2" */
  readonly name: string;
  /** What REDUCE and NEWOBJ do; absent for names that are values only. Throws a `PickleRefusal`. */
  readonly call?: (args: readonly unknown[]) => unknown;
}

/** A value that BUILD completes. */
export interface Buildable {
  readonly kind: string;
  build(state: unknown): void;
}

/** Why a pickle is not read; the reader of the file turns it into an `InputError` that names the file. */
export class PickleRefusal extends Error {
  /** The bytes ended early: a reader that passed on only the start of a file may try again with more. */
  readonly ended: boolean;
  /** What to do about it, for people. */
  readonly remedy?: string;
  constructor(message: string, { ended = false, remedy }: { readonly ended?: boolean; readonly remedy?: string } = {}) {
    super(message);
    this.name = 'PickleRefusal';
    this.ended = ended;
    if (remedy !== undefined) this.remedy = remedy;
  }
}

export const refuse = (message: string): never => {
  throw new PickleRefusal(message);
};

/** Who resolves names and persistent ids. */
export interface PickleContext {
  /** The value of a name, or a refusal that gives the name. */
  find(module: string, name: string): unknown;
  /** The storage that a persistent id names. */
  persistent(id: unknown): unknown;
  /** Whether whole floats say that they are floats (`PyFloat`), so that they can be written as such. */
  readonly keepFloats?: boolean;
}

/**
 * The names that are allowed, by "module name", and those that `also` knows. Python 2 said `__builtin__` for
 * `builtins`.
 */
export function findIn(
  tables: readonly ReadonlyMap<string, unknown>[],
  also: (module: string, name: string) => unknown = () => undefined,
): PickleContext['find'] {
  return (module, name) => {
    const key = `${module === '__builtin__' ? 'builtins' : module} ${name}`;
    for (const table of tables) if (table.has(key)) return table.get(key);
    const found = also(module, name);
    if (found !== undefined) return found;
    throw new PickleRefusal(
      `its pickle asks for ${printable(`${module}.${name}`.slice(0, 200))}, which no file of tensors needs; nothing was run`,
      {
        remedy:
          'Where you trust the file, load it in Python and save its tensors alone, as torch.save(model.state_dict(), …) does.',
      },
    );
  };
}

/** The name of a function or class. */
export const global = (module: string, name: string, call?: Global['call']): [string, Global] => [
  `${module} ${name}`,
  { kind: 'global', name: `${module}.${name}`, ...(call && { call }) },
];

export const isGlobal = (value: unknown): value is Global =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'global';
