// Finds the built JavaScript of a module, for workers and child processes, which cannot run TypeScript sources.

/**
 * The URL of `./name.js` beside the calling module. When the caller runs from its TypeScript source (tests), the result
 * points into the package's `dist`, which `tsc -b` makes; when it runs from `dist`, it is the neighbouring file.
 */
export function builtUrl(name: string, caller: string): URL {
  const beside = new URL(name, caller);
  if (!new URL(caller).pathname.endsWith('.ts')) return beside;
  const at = beside.href.lastIndexOf('/src/');
  return new URL(`${beside.href.slice(0, at)}/dist/${beside.href.slice(at + '/src/'.length)}`);
}
