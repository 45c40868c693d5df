// Versions of what takes part in a run, for its manifest.

import { readFileSync } from 'node:fs';
import { installedEntry, versionOf } from './installed.ts';

/** Packages whose version may change a result, each with the package that depends on it. */
const besides = [
  ['onnxruntime-node', '@deepearth/onnx'],
  ['sharp', '@deepearth/vision'],
] as const;

export const cliVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** What is not installed is left out. */
export function cliVersions(): Record<string, string> {
  const found = besides.flatMap(([name, parent]) => {
    const entry = installedEntry(name, parent);
    const version = entry && versionOf(name, entry);
    return version ? [[name, version] as const] : [];
  });
  return { '@deepearth/cli': cliVersion(), ...Object.fromEntries(found) };
}
