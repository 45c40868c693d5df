// Writes the page and its bundle as a folder for any static server.

import { existsSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import type { RunOverview } from '@deepearth/runtime/run-overview';
import { cannotWrite } from '../cannot-write.ts';
import { besideHtml } from './beside-html.ts';

/** Throws where the folder is there and may not be replaced: another than an exported one never is. */
export function refuseFolder(site: string, force: boolean): void {
  if (!existsSync(site)) return;
  const exported = existsSync(join(site, 'data/index.json')) && existsSync(join(site, 'index.html'));
  if (!exported || !force)
    throw new DeepEarthError(`--export: ${site} is there already.`, {
      code: 'E_FILE_EXISTS',
      remedy: exported ? 'Name another, or replace it with --force.' : 'Name another.',
    });
}

/** Makes a bundle in a folder, or finds one, and returns its folder. */
type Fill = (folder: string) => Promise<string>;

/**
 * Fills a folder beside its final place and gives it its name when it is whole. `fill` returns the folder of the
 * bundle, which is moved where it lies in the folder that `fill` was given, and copied where not; `fill.beside` that of
 * a second run. `overview` is what the page says of the (first) run; without it, what the bundle says.
 */
export async function exportSite(
  site: string,
  page: string,
  fill: { readonly data: Fill; readonly beside?: Fill | undefined },
  overview?: RunOverview,
): Promise<void> {
  const target = resolve(site);
  const beside = await mkdtemp(join(dirname(target), `.${basename(target)}-`)).catch((cause: unknown) => {
    throw cannotWrite(dirname(target), cause);
  });
  try {
    const whole = join(beside, 'site');
    const bundles = { data: await fill.data(join(beside, 'run')), beside: await fill.beside?.(join(beside, 'run-2')) };
    await cp(page, whole, { recursive: true });
    for (const [name, bundle] of Object.entries(bundles)) {
      if (bundle === undefined) continue;
      if (bundle.startsWith(beside)) await rename(bundle, join(whole, name));
      else
        for (const part of ['index.json', 'directions.bin', 'tokens', 'layers', 'frames', 'run.json'])
          await copyPart(bundle, join(whole, name), part);
    }
    if (bundles.beside !== undefined) {
      const html = join(whole, 'index.html');
      await writeFile(html, await besideHtml(html));
    }
    if (overview) await writeFile(join(whole, 'data/run.json'), JSON.stringify(overview));
    await rm(target, { recursive: true, force: true });
    await rename(whole, target);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function copyPart(from: string, to: string, part: string): Promise<void> {
  const found = await stat(join(from, part)).catch(() => undefined);
  if (found) await cp(join(from, part), join(to, part), { recursive: true });
}
