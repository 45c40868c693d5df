// Versions of what takes part in a run, for its manifest.

import { createRequire } from 'node:module';

const here = createRequire(import.meta.url);

/** Packages whose version may change a result, each with the package that depends on it. */
const besides = [
  ['onnxruntime-node', '@deepearth/model-vjepa2'],
  ['sharp', '@deepearth/sources'],
] as const;

function versionOf(name: string, from: NodeJS.Require): string | undefined {
  try {
    return (from(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** What is not installed is left out. */
export function cliVersions(): Record<string, string> {
  const { version } = here('../package.json') as { version: string };
  const found = besides.flatMap(([name, parent]) => {
    try {
      const installed = versionOf(name, createRequire(here.resolve(`${parent}/package.json`)));
      return installed ? [[name, installed]] : [];
    } catch {
      return [];
    }
  });
  return { '@deepearth/cli': version, ...Object.fromEntries(found) as Record<string, string> };
}
