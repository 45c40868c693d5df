// Loads third-party stages: modules that a config names, and no others.

import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { DeepEarthError } from '@deepearth/core/errors';
import { patiently } from '@deepearth/core/patience';
import type { StageRegistry } from '@deepearth/core/registry';
import { stageKinds, type StageDefinition, type StageList } from '@deepearth/core/stage';

/**
 * Imports a plugin: a path relative to the config file (`./my-stage.mjs`) or a package name. It exports stage
 * definitions under any names, or in `stages`: a list of them, or functions that load them by their types. Throws a
 * `DeepEarthError` when it cannot be found or imported, or holds no stage.
 */
export async function loadPlugin(name: string, configFile: string): Promise<StageList> {
  const from = resolve(configFile);
  const url = name.startsWith('.') || isAbsolute(name) ? await fileUrl(name, dirname(from)) : packageUrl(name, from);
  const module = await importPlugin(name, url);
  const list: Record<string, () => Promise<StageDefinition>> = {};
  const broken = (what: string, cause?: unknown): DeepEarthError =>
    new DeepEarthError(`the plugin ${name} ${what}.`, { code: 'E_PLUGIN_LOAD', cause });
  const whole = (value: unknown, exported: string): StageDefinition => {
    const lack = lackOf(value);
    if (lack === undefined) return { ...(value as StageDefinition), plugin: name };
    throw broken(`has no whole stage as ${exported}: ${lack}`);
  };
  for (const exported of Object.keys(module)) {
    const value = exportOf(module, exported, (cause) =>
      broken(`throws where ${exported} is read: ${saidBy(cause)}`, cause),
    );
    if (looksLikeDefinition(value)) {
      const definition = whole(value, exported);
      list[definition.type] = async () => definition;
    } else if (exported === 'stages' && value !== null && typeof value === 'object') {
      for (const [type, load] of Object.entries(value) as [string, unknown][]) {
        if (looksLikeDefinition(load)) {
          const definition = whole(load, `stages.${type}`);
          list[definition.type] = async () => definition;
          continue;
        }
        if (typeof load !== 'function' || Array.isArray(value))
          throw broken(
            `has at ${JSON.stringify(type)} of "stages" neither a stage nor, by its type, a function that loads one`,
          );
        list[type] = async () => {
          let loaded: unknown;
          try {
            loaded = await (load as () => unknown)();
          } catch (cause) {
            throw broken(`cannot load its stage ${type}: ${saidBy(cause)}`, cause);
          }
          return whole(loaded, type);
        };
      }
    }
  }
  if (Object.keys(list).length === 0) {
    throw new DeepEarthError(
      `the plugin ${name} exports no stage. Export what defineReducer (or another define… of @deepearth/core) returns, or a list of these as "stages".`,
      { code: 'E_PLUGIN_EMPTY' },
    );
  }
  return list;
}

/** A plugin as a pipeline names it. */
export interface PluginUse {
  /** A path relative to the config file, or a package name. */
  readonly module: string;
  /** Whether its stages may take the place of others of their type. */
  readonly override?: boolean | undefined;
}

/**
 * A registry with the stages of a plugin. Throws a `DeepEarthError` as `loadPlugin` does, and for a stage of a type
 * that there is already, unless the plugin is to override it.
 */
export async function withPlugin(
  registry: StageRegistry,
  { module, override = false }: PluginUse,
  configFile: string,
): Promise<StageRegistry> {
  const list = await loadPlugin(module, configFile);
  const taken = Object.keys(list).filter((type) => registry.has(type));
  if (taken.length > 0 && !override) {
    const other = (await registry.load(taken[0]!)).plugin;
    throw new DeepEarthError(
      `the plugin ${module} has a stage ${taken[0]}, as ${other === undefined ? 'DeepEarth Streams has itself' : `the plugin ${other} has`}.`,
      {
        code: 'E_PLUGIN_NAME',
        remedy: `Give it another name, or write { module: ${module}, override: true } to take it in place of the other.`,
      },
    );
  }
  return registry.with(list);
}

async function fileUrl(name: string, folder: string): Promise<string> {
  const path = isAbsolute(name) ? name : join(folder, name);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile())
    throw new DeepEarthError(`there is no plugin file ${path}. Paths of plugins are relative to the pipeline file.`, {
      code: 'E_PLUGIN_MISSING',
    });
  return pathToFileURL(path).href;
}

function packageUrl(name: string, from: string): string {
  try {
    return pathToFileURL(createRequire(from).resolve(name)).href;
  } catch (cause) {
    // A package with nothing but an "import" condition cannot be resolved by require; import() finds it from here.
    if ((cause as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return name;
    throw new DeepEarthError(
      /\.[cm]?[jt]s$/.test(name)
        ? `no plugin package is called ${name}. Write ./${name} for a file beside the pipeline file.`
        : `the plugin package ${name} is not installed beside the pipeline file. Run "npm install ${name}" there, or write ./${name}.mjs for a file.`,
      { code: 'E_PLUGIN_MISSING', cause },
    );
  }
}

/** An import cannot be given up. */
const never = new AbortController().signal;

async function importPlugin(name: string, url: string): Promise<Record<string, unknown>> {
  try {
    return await patiently(import(url) as Promise<Record<string, unknown>>, {
      signal: never,
      stalled: () => new Error('it waits for something that never comes'),
    });
  } catch (cause) {
    const reason = saidBy(cause);
    const missing =
      (cause as NodeJS.ErrnoException | null | undefined)?.code === 'ERR_MODULE_NOT_FOUND'
        ? /Cannot find package '([^']+)'/.exec(reason)?.[1]
        : undefined;
    const ours = missing === 'zod' || missing?.startsWith('@deepearth/');
    throw new DeepEarthError(
      `the plugin ${name} cannot be loaded: ${reason}.${missing === undefined ? '' : ` Run "npm install ${ours ? '@deepearth/core zod' : missing}" in its folder.`}`,
      { code: 'E_PLUGIN_LOAD', cause },
    );
  }
}

/** The first line of what was thrown, whatever that is. */
function saidBy(cause: unknown): string {
  if (!(cause instanceof Error))
    return `it throws ${typeof cause === 'string' ? JSON.stringify(cause) : inspect(cause, { depth: 0, breakLength: Infinity })}`;
  const [first = ''] = String(cause.message).split('\n');
  return first.replace(/\.$/, '') || cause.name;
}

/** An export; reading one may throw, where modules import each other. */
function exportOf(module: Record<string, unknown>, name: string, broken: (cause: unknown) => Error): unknown {
  try {
    return module[name];
  } catch (cause) {
    throw broken(cause);
  }
}

/** Whether an export is meant to be a stage. */
function looksLikeDefinition(value: unknown): boolean {
  const { kind, type } = (value ?? {}) as Partial<StageDefinition>;
  return stageKinds.includes(kind as never) && typeof type === 'string';
}

/** What a stage lacks that a `define…` function of core would have given it; `undefined` where it is whole. */
function lackOf(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object')
    return `it is ${value === null || value === undefined ? String(value) : `a ${typeof value}`}`;
  const { kind, type, describe, options, process, each, operator } = value as Partial<StageDefinition>;
  if (!stageKinds.includes(kind as never) || typeof type !== 'string') return 'it has no kind or no type';
  if (!type.startsWith(`${kind}/`)) return `its type ${JSON.stringify(type)} does not begin with its kind (${kind}/)`;
  if (typeof describe !== 'function') return 'it has no `describe`';
  if (typeof options?.safeParse !== 'function') return 'its `options` are no zod schema';
  if ([process, each, operator].every((body) => typeof body !== 'function'))
    return 'it has none of `process`, `each` and `operator`';
  return undefined;
}
