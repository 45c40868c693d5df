// The checkpoints that are known by name, and which of them are on this machine.

import { builtinConfig, builtinName, builtinTitle } from './builtin.ts';
import { catalogue, encoderOf, fileParameters, findEntry, type CatalogueEntry } from './catalogue.ts';
import { listCached } from '@deepearth/onnx/hub-cache';
import { hubEnvironment, type Variables } from '@deepearth/onnx/hub-environment';
import { formatBytes, table } from '@deepearth/onnx/model-text';

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

/** The built-in checkpoint, the official ones, then other V-JEPA models that are in the Hub's cache. */
export async function listModels(variables?: Variables): Promise<ListedModel[]> {
  const cached = await listCached(hubEnvironment(variables).cache);
  const folders = new Map(cached.map(({ name, folder }) => [name.toLowerCase(), folder] as const));
  const known = catalogue.map((entry): ListedModel => {
    const parameters = fileParameters(entry);
    return {
      name: entry.name,
      summary: summarise(entry),
      parameters: encoderOf(entry).parameters,
      bytes: parameters === undefined ? null : parameters * 4,
      folder: [entry.name, ...entry.mirrors].map((name) => folders.get(name.toLowerCase())).find(Boolean) ?? null,
      source: 'catalogue',
    };
  });
  const others = cached
    .filter(({ name, folder }) => folder && /v-?jepa/i.test(name) && !findEntry(name))
    .map(({ name, folder, bytes }): ListedModel => ({
      name,
      summary: 'in the cache',
      parameters: null,
      bytes,
      folder: folder!,
      source: 'cache',
    }));
  return [
    {
      name: builtinName,
      summary: `${builtinTitle}, ${builtinConfig.crop_size} px, ${builtinConfig.frames_per_clip} frames`,
      parameters: null,
      bytes: 0,
      folder: null,
      source: 'builtin',
    },
    ...known,
    ...others,
  ];
}

export const summarise = ({ family, size, cropSize, framesPerClip, task, publisher }: CatalogueEntry): string =>
  `V-JEPA ${family} ViT-${size}, ${cropSize} px, ${framesPerClip} frames${task ? `, ${task.title} (${task.labels} classes)` : ''}${publisher === 'community' ? ', converted by its community' : ''}`;

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
