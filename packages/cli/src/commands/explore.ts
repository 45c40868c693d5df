// `deepearth explore`: opens a page over a run, or writes it as a folder for any static server.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { readOverview } from '@deepearth/runtime/read-overview';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { exportSite, refuseFolder } from '../explore/export-site.ts';
import { followRun, seenOf, type LiveBundle } from '../explore/live-bundle.ts';
import { makeBundle, type LeftOut } from '../explore/make-bundle.ts';
import { openBrowser } from '../explore/open-browser.ts';
import { pageFolder } from '../explore/page-folder.ts';
import { serve } from '../explore/serve.ts';
import { whatToShow, type Shown, type ShownTokens } from '../explore/what-to-show.ts';
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
        return show(
          paths as readonly [string, string?],
          shown,
          beside,
          { ...making, page, port, open: flags.open ?? true },
          signal,
        );
      const waiting = all.findIndex((each) => 'waiting' in each);
      if (waiting >= 0) throw noTokensYet(paths[waiting]!, 'Export it');
      let leftOut: readonly LeftOut[] = [];
      const fill = (each: Shown) => async (folder: string) => {
        if (!('tokens' in each)) return resolve((each as { readonly bundle: string }).bundle);
        leftOut = [...leftOut, ...(await make(each, folder, making, signal))];
        return join(folder, 'explorer');
      };
      await exportSite(
        flags.export,
        page,
        { data: fill(shown), beside: beside && fill(beside) },
        await readOverview(paths[0]!).catch(() => undefined),
      );
      print(`Wrote ${flags.export}: any static server shows it.`);
      return leftOut.length > 0 ? exitCodes.skipped : exitCodes.done;
    },
    { onCancel: () => undefined, stopped: 'Stopped.' },
  );
}

const noTokensYet = (path: string, then: string): InputError =>
  new InputError(path, 'belongs to a run that goes, and holds no tokens yet.', {
    code: 'E_NO_FEATURES',
    remedy: `${then} when there are some; alone and without --export the page shows how far it is.`,
  });

/** How what the page needs is made of a run that has no bundle. */
interface Making {
  readonly frames: string | undefined;
  readonly pictureEdge: number | undefined;
}

/** Shows it until a signal comes; a run that goes is followed. */
async function show(
  [path, besidePath]: readonly [string, string?],
  shown: Shown,
  beside: Shown | undefined,
  { page, port, open, ...making }: Making & { readonly page: string; readonly port: number; readonly open: boolean },
  signal: AbortSignal,
): Promise<number> {
  if (beside && 'waiting' in beside) throw noTokensYet(besidePath!, 'Show it');
  const folders: string[] = [];
  const newFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'deepearth-explore-'));
    folders.push(folder);
    return folder;
  };
  const bundleOf = async (each: Shown): Promise<string> => {
    if (!('tokens' in each)) return (each as { readonly bundle: string }).bundle;
    const folder = await newFolder();
    await make(each, folder, making, signal);
    return join(folder, 'explorer');
  };
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);
  let live: LiveBundle | undefined;
  try {
    if ('waiting' in shown || ('live' in shown && shown.live)) {
      remark('The run goes: what it writes is shown as it comes.');
      live = followRun(path, await newFolder(), (now, output) => make(now, output, making, stop), {
        signal: stop,
        failed: (error) => warn(error instanceof Error ? error.message : String(error)),
      });
    }
    const { url, close } = await serve({
      page,
      bundle: live ? live.current : await bundleOf(shown),
      beside: beside && (await bundleOf(beside)),
      port,
      run: () => seenOf(path, live),
    });
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
    ending.abort();
    await live?.ended;
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

async function make(
  { name, tokens, projections, others }: ShownTokens,
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
