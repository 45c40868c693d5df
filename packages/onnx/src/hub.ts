// Gets a model from the Hugging Face Hub by name, or finds it in the Hub's cache, where Python users' downloads are.

import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError, InputError } from '@deepearth/core/errors';
import { makeFolder } from '@deepearth/core/regular-file';
import {
  blobPath,
  completeSnapshot,
  isCommit,
  isFile,
  knownCommit,
  linkBlob,
  rememberCommit,
  repositoryCache,
  shardsIn,
  snapshotFolder,
  type RepositoryCache,
} from './hub-cache.ts';
import { download, reason, verify, type HubFile } from './hub-download.ts';
import { hubEnvironment, type HubEnvironment, type Variables } from './hub-environment.ts';
import { withLock } from './hub-lock.ts';
import { retried } from '@deepearth/core/on-error';
import { isTimeOut, pauseBeforeNext } from './hub-patience.ts';
import { proxiedFetch } from './hub-proxy.ts';
import { refusal, retriedStatus } from './hub-refusals.ts';

/** How far a download is. */
export interface FetchProgress {
  /** The file that is coming. */
  readonly file: string;
  /** Bytes of all files of the model. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** How a model is fetched. */
export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Ask nothing of the network; `HF_HUB_OFFLINE` says the same. */
  readonly offline?: boolean | undefined;
  readonly progress?: ((progress: FetchProgress) => void) | undefined;
  /** Called when a cached model is used because the Hub does not answer. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Read files that are in the cache again and compare their digests with the Hub's list. */
  readonly verify?: boolean | undefined;
  /** Names of published checkpoints, for "did you mean" when there is no such model. */
  readonly known?: readonly string[] | undefined;
  /** Instead of the process's environment. */
  readonly variables?: Variables | undefined;
  /** Waits between attempts, in milliseconds. */
  readonly pauses?: readonly number[] | undefined;
}

/** A complete snapshot in the Hub's cache. */
export interface FetchedModel {
  readonly name: string;
  /** The commit: what the name stood for. */
  readonly revision: string;
  /** The snapshot with `config.json` and the weights. */
  readonly folder: string;
  /** Relative to the folder: `config.json` first, then the weights. */
  readonly files: readonly string[];
}

const defaultPauses = [500, 1_000, 2_000, 5_000, 10_000];
/** What an encoder needs, and what Python's processors look for beside it. */
const wanted = [
  'config.json',
  'model.safetensors',
  'model.safetensors.index.json',
  'processor_config.json',
  'video_preprocessor_config.json',
  'preprocessor_config.json',
];

/** `org/name` or `org/name@revision`, a branch, tag or commit; `undefined` for anything else. */
export function parseHubName(model: string): { name: string; revision: string } | undefined {
  const match = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w./-]*))?$/.exec(model);
  const [, name, revision = 'main'] = match ?? [];
  return !name || /\.\.|--/.test(name) || revision.includes('..') ? undefined : { name, revision };
}

/** Fetches a model, or finds it in the cache, and returns the folder it lies in. Throws what `fetchFromHub` throws. */
export const fetchModel = async (model: string, options: FetchOptions = {}): Promise<string> =>
  (await fetchFromHub(model, options)).folder;

/**
 * Fetches `config.json` and the weights of a model into the Hub's cache, unless they are there. Throws an `InputError`
 * that says what to do when there is no such model or revision, it is gated or private, the network or the disk does
 * not allow it, or a digest is wrong.
 */
export async function fetchFromHub(model: string, options: FetchOptions = {}): Promise<FetchedModel> {
  const parsed = parseHubName(model);
  if (!parsed)
    throw new InputError(model, 'is no name of a model on the Hugging Face Hub.', {
      code: 'E_MODEL_MISSING',
      remedy: 'A name is organisation/model, or organisation/model@revision.',
    });
  const { name, revision } = parsed;
  const environment = hubEnvironment(options.variables);
  const cache = repositoryCache(environment.cache, name);
  try {
    const cached = await fromCache(cache, name, revision);
    if (options.offline ?? environment.offline) {
      if (cached) return cached;
      throw new InputError(
        model,
        `is not in the cache (${environment.cache}), and the network may not be asked (HF_HUB_OFFLINE or --offline).`,
        {
          code: 'E_MODEL_NOT_CACHED',
          remedy: `Fetch it where there is a network: deepearth model fetch ${model}`,
        },
      );
    }
    // A commit never changes, so the cached snapshot is up to date.
    if (cached && isCommit(revision) && !options.verify) return cached;
    return await fromNetwork(model, name, revision, cache, environment, options, cached);
  } catch (error) {
    if (options.signal?.aborted) throw new CancelledError(error);
    throw error;
  }
}

async function fromCache(cache: RepositoryCache, name: string, revision: string): Promise<FetchedModel | undefined> {
  const commit = await knownCommit(cache, revision);
  if (!commit) return undefined;
  const folder = snapshotFolder(cache, commit);
  const files = await completeSnapshot(folder);
  return files && { name, revision: commit, folder, files };
}

async function fromNetwork(
  model: string,
  name: string,
  revision: string,
  cache: RepositoryCache,
  environment: HubEnvironment,
  options: FetchOptions,
  cached: FetchedModel | undefined,
): Promise<FetchedModel> {
  const { modelInfo } = await import('@huggingface/hub');
  const ask = await asking(model, environment, options);
  const about = { hubUrl: environment.endpoint, fetch: ask };
  let commit: string;
  try {
    const info = await repeating(
      () => modelInfo({ name, revision, additionalFields: ['sha'], ...about }),
      options,
      cached ? 1 : Infinity,
    );
    if (!isCommit(info.sha))
      throw new InputError(model, `${environment.endpoint} names no commit for it.`, { code: 'E_HUB' });
    commit = info.sha;
  } catch (error) {
    if (error instanceof InputError || options.signal?.aborted) throw error;
    if (cached) {
      options.warn?.(
        `${environment.endpoint} does not answer (${reason(error)}): using ${name} as it is in the cache, ${cached.revision.slice(0, 8)}.`,
      );
      return cached;
    }
    throw new InputError(model, `${environment.endpoint} does not answer: ${reason(error)}.`, {
      code: 'E_NETWORK',
      remedy:
        'Check the connection, name a proxy with HTTPS_PROXY or a mirror with HF_ENDPOINT, or give a folder instead.',
      cause: error,
    });
  }
  const there = await fromCache(cache, name, commit);
  if (!there || options.verify) await fetchFiles(name, commit, cache, environment, options, ask);
  await rememberCommit(cache, revision, commit);
  const complete = await fromCache(cache, name, commit);
  if (!complete)
    throw new InputError(model, `${commit.slice(0, 8)} has no config.json with model.safetensors (or its shards).`, {
      code: 'E_MODEL_FILES',
      remedy: 'Only checkpoints in the safetensors format are fetched.',
    });
  return complete;
}

async function fetchFiles(
  name: string,
  commit: string,
  cache: RepositoryCache,
  environment: HubEnvironment,
  options: FetchOptions,
  ask: typeof fetch,
): Promise<void> {
  const { pathsInfo } = await import('@huggingface/hub');
  const list = async (paths: string[]): Promise<HubFile[]> => {
    const entries = await repeating(
      () =>
        pathsInfo({ repo: { type: 'model', name }, revision: commit, paths, hubUrl: environment.endpoint, fetch: ask }),
      options,
    );
    return entries
      .filter((entry) => entry.type === 'file' && paths.includes(entry.path))
      .map((entry) => ({
        path: entry.path,
        bytes: entry.lfs?.size ?? entry.size,
        digest: checkedDigest(entry.lfs?.oid ?? entry.oid ?? '', entry.path),
        algorithm: entry.lfs ? 'sha256' : 'git',
      }));
  };
  const state = { done: 0, total: 0 };
  const get = async (files: readonly HubFile[]) => {
    await roomFor(files, cache);
    state.total += files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files) {
      await fetchFile(file, name, commit, cache, environment, options, ask, (done) =>
        options.progress?.({ file: file.path, doneBytes: state.done + done, totalBytes: state.total }),
      );
      state.done += file.bytes;
    }
  };
  const listed = await list(wanted);
  const single = listed.some(({ path }) => path === 'model.safetensors');
  const index = listed.filter(({ path }) => path === 'model.safetensors.index.json' && !single);
  await get(index);
  const shards = index.length
    ? await shardsIn(join(snapshotFolder(cache, commit), 'model.safetensors.index.json'))
    : undefined;
  // Small files first: a wrong repository shows before gigabytes have come.
  const rest = [
    ...listed.filter((file) => !index.includes(file) && file.path !== 'model.safetensors.index.json'),
    ...(shards ? await list(shards) : []),
  ];
  await get(rest.sort((a, b) => a.bytes - b.bytes));
}

async function fetchFile(
  file: HubFile,
  name: string,
  commit: string,
  cache: RepositoryCache,
  { endpoint }: HubEnvironment,
  { signal, verify: again, pauses = defaultPauses }: FetchOptions,
  ask: typeof fetch,
  progress: (done: number) => void,
): Promise<void> {
  const target = blobPath(cache, file.digest);
  const url = `${endpoint}/${name}/resolve/${commit}/${file.path}`;
  await withLock(join(cache.locks, `${file.digest}.deepearth.lock`), signal, async () => {
    if (!(await isFile(target))) await download(file, { url, fetch: ask, target, pauses, signal, progress });
    else if (again) await verify(file, target, signal);
    progress(file.bytes);
  });
  await linkBlob(cache, commit, file.path, file.digest);
}

function checkedDigest(digest: string, path: string): string {
  // It becomes a file name.
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(digest))
    throw new InputError(path, `the Hub lists an invalid digest: ${JSON.stringify(digest)}`, { code: 'E_HUB' });
  return digest;
}

async function roomFor(files: readonly HubFile[], cache: RepositoryCache): Promise<void> {
  await makeFolder(cache.folder).catch((cause: unknown) => {
    throw new InputError(cache.folder, 'the cache folder cannot be made.', {
      code: 'E_CACHE',
      remedy: 'Set HF_HOME to a folder that can be written to.',
      cause,
    });
  });
  let needed = 0;
  for (const file of files) {
    const blob = blobPath(cache, file.digest);
    if (await isFile(blob)) continue;
    const begun = await stat(`${blob}.incomplete`).then(
      ({ size }) => size,
      () => 0,
    );
    needed += Math.max(file.bytes - begun, 0);
  }
  const { bavail, bsize } = await statfs(cache.folder);
  if (bavail * bsize < needed)
    throw new InputError(
      cache.folder,
      `${gigabytes(needed)} are needed, ${gigabytes(bavail * bsize)} are free on this disk.`,
      { code: 'E_DISK_FULL', remedy: 'Make room, or set HF_HOME to another disk.' },
    );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/**
 * `fetch` that sends the token to the Hub (to no other host), stops with the signal, and turns final refusals into
 * errors that say what to do.
 */
async function asking(
  model: string,
  { endpoint, token }: HubEnvironment,
  { signal, known = [], variables }: FetchOptions,
): Promise<typeof fetch> {
  const send = proxiedFetch(variables);
  const secret = await token();
  if (!URL.canParse(endpoint))
    throw new InputError('HF_ENDPOINT', `is no address: ${JSON.stringify(endpoint)}.`, {
      code: 'E_HUB_ADDRESS',
      remedy: 'It looks like https://huggingface.co.',
    });
  const { origin } = new URL(endpoint);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    // Bytes are counted and hashed as stored.
    headers.set('Accept-Encoding', 'identity');
    if (secret && url.origin === origin) headers.set('Authorization', `Bearer ${secret}`);
    const response = await send(input, { ...init, headers, ...(signal && { signal }) });
    if (response.ok) return response;
    await response.body?.cancel();
    if (retriedStatus(response.status)) throw new Error(`${url.origin} returns ${response.status}`);
    throw refusal(model, response, { endpoint, hasToken: secret !== undefined, known });
  };
}

async function repeating<T>(
  work: () => Promise<T>,
  { pauses = defaultPauses, signal, warn }: FetchOptions,
  most = Infinity,
): Promise<T> {
  return retried(work, {
    signal,
    pause: (error, failures) => {
      if (error instanceof InputError || signal?.aborted || failures > most) return undefined;
      if (failures === pauses.length + 1 && signal && isTimeOut(error))
        warn?.(`no answer in time (${reason(error)}): asking again until there is one, or until this is stopped.`);
      return pauseBeforeNext(error, failures, { pauses, signal });
    },
  });
}
