// `deepearth explore`: opens a page over a run, or writes it as a folder for any static server.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DeepEarthError } from '@deepearth/core/errors';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { exportSite, refuseFolder } from '../explore/export-site.ts';
import { makeBundle, type LeftOut } from '../explore/make-bundle.ts';
import { openBrowser } from '../explore/open-browser.ts';
import { pageFolder } from '../explore/page-folder.ts';
import { serve } from '../explore/serve.ts';
import { whatToShow, type Shown } from '../explore/what-to-show.ts';
import { plural } from '../format.ts';
import { parseWhole } from '../parse-number.ts';
import { print, remark, warn } from '../print.ts';
import { stepProgress } from '../step-progress.ts';

export interface ExploreFlags {
  readonly port?: string;
  /** False for `--no-open`. */
  readonly open?: boolean;
  readonly export?: string;
  readonly force?: boolean;
  readonly frames?: string;
  readonly pictureEdge?: string;
}

export async function exploreCommand(paths: readonly string[], flags: ExploreFlags): Promise<number> {
  const port = flags.port === undefined ? 0 : parseWhole('--port', flags.port, 0, 65_535);
  const pictureEdge = flags.pictureEdge === undefined ? undefined : parseWhole('--picture-edge', flags.pictureEdge, 32);
  const page = pageFolder();
  if (paths.length > 2)
    throw new DeepEarthError(`${paths.length} runs were named, and a page shows one or two.`, {
      code: 'E_USAGE',
      remedy: 'Name two; a call for each pair opens several pages.',
    });
  const all = await Promise.all(paths.map((path) => whatToShow(path)));
  const [shown, beside] = all as [Shown, Shown?];
  if (all.every((each) => 'bundle' in each) && (pictureEdge ?? flags.frames) !== undefined)
    warn('--picture-edge and --frames change nothing: the pictures that lie there are shown.');
  const making: Making = { frames: flags.frames, pictureEdge };
  if (flags.export !== undefined) refuseFolder(flags.export, flags.force ?? false);
  return cancellable(
    async ({ signal }) => {
      if (flags.export === undefined)
        return show(shown, beside, { ...making, page, port, open: flags.open ?? true }, signal);
      let leftOut: readonly LeftOut[] = [];
      const fill = (each: Shown) => async (folder: string) => {
        if ('bundle' in each) return resolve(each.bundle);
        leftOut = [...leftOut, ...(await make(each, folder, making, signal))];
        return join(folder, 'explorer');
      };
      await exportSite(flags.export, page, fill(shown), beside && fill(beside));
      print(`Wrote ${flags.export}: any static server shows it.`);
      return leftOut.length > 0 ? exitCodes.skipped : exitCodes.done;
    },
    { onCancel: () => undefined, stopped: 'Stopped.' },
  );
}

/** How what the page needs is made of a run that has no bundle. */
interface Making {
  readonly frames: string | undefined;
  readonly pictureEdge: number | undefined;
}

/** Shows it until a signal comes. */
async function show(
  shown: Shown,
  beside: Shown | undefined,
  { page, port, open, ...making }: Making & { readonly page: string; readonly port: number; readonly open: boolean },
  signal: AbortSignal,
): Promise<number> {
  const folders: string[] = [];
  const bundleOf = async (each: Shown): Promise<string> => {
    if ('bundle' in each) return each.bundle;
    const folder = await mkdtemp(join(tmpdir(), 'deepearth-explore-'));
    folders.push(folder);
    await make(each, folder, making, signal);
    return join(folder, 'explorer');
  };
  try {
    const bundle = await bundleOf(shown);
    const { url, close } = await serve({ page, bundle, port, beside: beside && (await bundleOf(beside)) });
    try {
      print(url);
      remark('For this machine alone, and only with this address. Ctrl-C ends it.');
      if (open && process.stdout.isTTY) openBrowser(url);
      await new Promise<void>((end) => signal.addEventListener('abort', () => end(), { once: true }));
    } finally {
      await close();
    }
    return exitCodes.done;
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

async function make(
  { name, tokens, projections, others }: Exclude<Shown, { bundle: string }>,
  output: string,
  { frames, pictureEdge }: Making,
  signal: AbortSignal,
): Promise<readonly LeftOut[]> {
  const progress = stepProgress();
  try {
    const leftOut = await makeBundle(output, {
      name,
      tokens,
      projections,
      frames,
      pictureEdge,
      signal,
      progress: (step, done, total) => progress.report(step, done, total),
      warn,
    });
    progress.close();
    const [first] = leftOut;
    if (first) warn(`${plural(leftOut.length, 'item')} could not be shown; the first: ${first.item}: ${first.message}`);
    if (others.length > 0)
      remark(`Shown: ${tokens}. The run has other tokens too; name their folder to see them: ${others.join(', ')}`);
    return leftOut;
  } finally {
    progress.close();
  }
}
