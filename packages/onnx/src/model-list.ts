// The checkpoints that are known by name, and which of them are on this machine.

import type { AnyFamily } from './family.ts';
import { listCached } from './hub-cache.ts';
import { hubEnvironment, type Variables } from './hub-environment.ts';
import { formatBytes, table } from './model-text.ts';
import { findPublished } from './published.ts';

/** A checkpoint that can be named as `model`. */
export interface ListedModel {
  readonly name: string;
  /** "ViT-g 2.0, 384 px, 64 frames": what it is, in a few words. */
  readonly summary: string;
  readonly parameters: number | null;
  /** Bytes of the published file, as far as they are known. */
  readonly bytes: number | null;
  /** The folder of a complete copy on this machine; `null` where there is none (nothing needed: built in). */
  readonly folder: string | null;
  readonly source: 'builtin' | 'catalogue' | 'cache';
}

/** Lists for each family the built-in checkpoint, the published ones, then others of its name in the Hub's cache. */
export async function listModels(families: readonly AnyFamily[], variables?: Variables): Promise<ListedModel[]> {
  const cached = await listCached(hubEnvironment(variables).cache);
  const folders = new Map(cached.map(({ name, folder }) => [name.toLowerCase(), folder] as const));
  return families.flatMap(({ builtin, catalogue, repositories }) => [
    ...(builtin
      ? [
          {
            name: builtin.name,
            summary: builtin.listed,
            parameters: null,
            bytes: 0,
            folder: null,
            source: 'builtin' as const,
          },
        ]
      : []),
    ...catalogue.map(({ name, mirrors, summary, gated, parameters, fileParameters }): ListedModel => ({
      name,
      summary: `${summary}${gated ? ', terms to accept' : ''}`,
      parameters,
      bytes: fileParameters === undefined ? null : fileParameters * 4,
      folder: [name, ...mirrors].map((each) => folders.get(each.toLowerCase())).find(Boolean) ?? null,
      source: 'catalogue',
    })),
    ...cached
      .filter(({ name, folder }) => folder && repositories.test(name) && !findPublished(catalogue, name))
      .map(({ name, folder, bytes }): ListedModel => ({
        name,
        summary: 'in the cache',
        parameters: null,
        bytes,
        folder: folder!,
        source: 'cache',
      })),
  ]);
}

/** One line per model. */
export const renderModels = (models: readonly ListedModel[]): string =>
  table(
    ['model', 'what it is', 'encoder', 'file', 'here'],
    models.map(({ name, summary, parameters, bytes, folder, source }) => [
      name,
      summary,
      parameters === null ? '' : `${Math.round(parameters / 1e6).toLocaleString('en-US')} M`,
      bytes ? formatBytes(bytes) : '',
      source === 'builtin' ? 'built in' : folder ? 'yes' : '',
    ]),
  );
