// Modules of Node, where the code runs in Node.

/**
 * A module of Node by its name, `undefined` elsewhere. Asked for at run time, so that a bundle for a browser holds no
 * import of Node's.
 */
export const builtinModule = <T>(name: string): T | undefined =>
  (globalThis as { process?: { getBuiltinModule?: (name: string) => T | undefined } }).process?.getBuiltinModule?.(
    name,
  );
