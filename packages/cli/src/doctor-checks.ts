// What `deepearth doctor` looks at on this machine.

import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import { pathToFileURL } from 'node:url';
import { switchOffTelemetry } from '@deepearth/core/no-telemetry';
import { makeFolder } from '@deepearth/core/regular-file';
import { cacheFolder } from '@deepearth/onnx/cache';
import { candidates } from '@deepearth/onnx/devices';
import { hubEnvironment } from '@deepearth/onnx/hub-environment';
import { formatBytes, plural } from './format.ts';
import { installedEntry, versionOf } from './installed.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly found: string;
  /** What to do, where something is not as it should be. */
  readonly remedy?: string;
}

type Finding = Omit<Check, 'name'>;
const ok = (found: string): Finding => ({ status: 'ok', found });
const warn = (found: string, remedy: string): Finding => ({ status: 'warn', found, remedy });
const fail = (found: string, remedy: string): Finding => ({ status: 'fail', found, remedy });
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!;

/** ViT-L in fp32 with one clip; less runs the built-in model only. */
const comfortableMemoryBytes = 4e9;
const comfortableDiskBytes = 5e9;
const deviceTestMs = 60_000;

/** Whether `version` ("20.19.0") is at least 20.19. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok(version)
    : fail(version, 'Install Node 20.19 or newer, from nodejs.org or your system.');
}

function checkMemory(): Finding {
  const limit = process.constrainedMemory();
  const total = limit > 0 && limit < totalmem() ? limit : totalmem();
  const found = `${formatBytes(total)}${total < totalmem() ? ' (limited by a container)' : ''}, ${formatBytes(Math.min(total, freemem()))} free`;
  return total >= comfortableMemoryBytes
    ? ok(found)
    : warn(found, 'The built-in model runs; "deepearth model info MODEL" says what others need.');
}

/** Loads a package that another package of ours depends on. */
async function importFrom(parent: string, name: string): Promise<{ module: Record<string, unknown>; version: string }> {
  const entry = installedEntry(name, parent);
  if (!entry) throw new Error(`${name} is not installed`);
  const imported = (await import(pathToFileURL(entry).href)) as { default?: Record<string, unknown> };
  return { module: imported.default ?? imported, version: versionOf(name, entry) ?? '' };
}

/** What sharp says of its formats. */
export type PictureFormats = Readonly<
  Record<string, { readonly input?: { readonly file?: boolean; readonly fileSuffix?: readonly string[] } }>
>;

/**
 * The formats that can be read. libvips calls AVIF and HEIC both "heif"; which of them it was built for, the endings
 * say.
 */
export function pictureFormats(formats: PictureFormats): { readable: string[]; not: string[] } {
  const endings: Readonly<Record<string, readonly [format: string, ending: string]>> = {
    avif: ['heif', '.avif'],
    heic: ['heif', '.heic'],
  };
  const reads = (name: string): boolean => {
    const [format, ending] = endings[name] ?? [name];
    const input = formats[format]?.input;
    return Boolean(input?.file) && (ending === undefined || (input?.fileSuffix ?? []).includes(ending));
  };
  const all = ['jpeg', 'png', 'tiff', 'webp', 'gif', 'avif', 'heic', 'jp2k'];
  return { readable: all.filter(reads), not: all.filter((name) => !reads(name)) };
}

async function checkCodecs(): Promise<Finding> {
  const { module: sharp, version } = await importFrom('@deepearth/vision', 'sharp');
  const { readable, not } = pictureFormats(sharp.format as PictureFormats);
  const missing = ['jpeg', 'png', 'tiff', 'webp'].filter((name) => !readable.includes(name));
  const found = `sharp ${version} reads ${readable.join(', ')}${not.length ? `, but not ${not.join(', ')}` : ''}`;
  return missing.length ? fail(found, 'Reinstall sharp: npm rebuild sharp.') : ok(found);
}

async function checkRuntime(): Promise<Finding> {
  switchOffTelemetry();
  const { module, version } = await importFrom('@deepearth/onnx', 'onnxruntime-node');
  const backends =
    (module.listSupportedBackends as (() => { name: string }[]) | undefined)?.().map(({ name }) => name) ?? [];
  return ok(`onnxruntime-node ${version}${backends.length ? ` with ${backends.join(', ')}` : ''}`);
}

/** Runs the built-in model there; the extractor compares its output with the CPU's. */
async function checkDevice(device: string): Promise<Finding> {
  const { VJepa2Extractor } = await import('@deepearth/model-vjepa2/extractor');
  try {
    const extractor = await VJepa2Extractor.load({
      model: 'builtin',
      device: device as 'cpu',
      signal: AbortSignal.timeout(deviceTestMs),
    });
    const started = performance.now();
    try {
      const grey = { data: new Uint8Array(64 * 64 * 3).fill(127), width: 64, height: 64 };
      await extractor.extract(
        Array.from({ length: 2 }, () => grey),
        { signal: AbortSignal.timeout(deviceTestMs) },
      );
      return ok(`works (${Math.round(performance.now() - started)} ms for a small clip)`);
    } finally {
      await extractor.dispose();
    }
  } catch (error) {
    const remedy = (error as { remedy?: string }).remedy;
    const said = reason(error).replace(/^device \S+: (cannot be used: )?/, '');
    return device === 'cpu'
      ? fail(said, remedy ?? 'Delete node_modules and install again.')
      : warn(remedy ? said.replace(remedy, '').trim() : said, remedy ?? 'The CPU is used instead.');
  }
}

async function checkCache(): Promise<Finding> {
  const folder = cacheFolder();
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    return warn(`${folder}: ${reason(error)}`, 'Set DEEPEARTH_CACHE to a folder that can be written to.');
  }
  return withSpace(folder, 'Converted models are kept there; free some, or set DEEPEARTH_CACHE to another disk.');
}

async function checkHub(): Promise<Finding> {
  const { cache, offline, endpoint } = hubEnvironment();
  const there = await stat(cache).catch(() => undefined);
  const found = `${cache}${there ? '' : ' (made at the first download)'}, ${endpoint}${offline ? ', offline' : ''}`;
  return ok(found);
}

async function withSpace(folder: string, remedy: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const found = `${folder}, ${formatBytes(free)} free`;
  return free >= comfortableDiskBytes ? ok(found) : warn(found, remedy);
}

/** All checks, one after the other: what uses the processor should not disturb the next. */
export async function* doctorChecks(): AsyncGenerator<Check> {
  const all: readonly (readonly [string, () => Finding | Promise<Finding>])[] = [
    ['Node', () => checkNode(process.versions.node)],
    ['system', () => ok(`${platform()} ${release()}, ${arch()}`)],
    ['processor', () => ok(`${cpus()[0]?.model.trim() || 'unknown'}, ${plural(availableParallelism(), 'core')}`)],
    ['memory', checkMemory],
    ['pictures', checkCodecs],
    ['model runtime', checkRuntime],
    ...candidates().map((device) => [`device ${device}`, () => checkDevice(device)] as const),
    ['cache', checkCache],
    ['Hugging Face', checkHub],
    [
      'working folder',
      () => withSpace(process.cwd(), 'Free some before a long run: "deepearth plan" says how much it writes.'),
    ],
  ];
  for (const [name, check] of all) {
    const finding = await Promise.resolve()
      .then(check)
      .catch((error: unknown) => fail(reason(error), 'Install again with npm ci; if that does not help, report it.'));
    yield { name, ...finding };
  }
}
