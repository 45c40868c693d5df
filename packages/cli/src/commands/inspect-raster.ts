// What `deepearth inspect` prints of rasters of the Earth.

import type { ByteSource } from '@deepearth/formats/bytes';
import { inspectionJson } from '@deepearth/formats/inspect';

/** Text about a raster, or JSON of it; `undefined` where the file is none. Throws an `InputError` for one that is broken. */
export async function inspectRaster(
  source: ByteSource,
  { json, digest, signal }: { readonly json: boolean; readonly digest: boolean; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { inspectGeoTiff, isTiff } = await import('@deepearth/eo/geotiff/inspect');
  if (!(await isTiff(source, signal))) return undefined;
  const found = await inspectGeoTiff(source, { digest, signal });
  if (json) return inspectionJson({ file: source.name, ...found });
  return Object.entries(found)
    .map(([name, value]) => `${name.padEnd(16)} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}
