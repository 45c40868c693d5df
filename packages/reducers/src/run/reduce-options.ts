// What a request for a reduction names: the method and its options, checked.

import { totalmem } from 'node:os';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { modelKinds, type ModelKind } from '../models/model.ts';
import type { SavableReduction, TokenCount } from './reduction.ts';

/** A method by name. */
export interface MethodRequest {
  /** The reducer: pca, umap, kmeans, random-projection. */
  readonly with?: string | undefined;
  /** Its options, checked here. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Options or names that cannot be; reported without a stack. */
export const refuse = (message: string, remedy?: string): DeepEarthError =>
  new DeepEarthError(remedy ? `${message} ${remedy}` : message, { code: 'E_OPTIONS', remedy });

/** The method of a request. Throws a `DeepEarthError` (E_OPTIONS) that lists the methods. */
export function methodOf({ with: name }: MethodRequest): ModelKind {
  const method = modelKinds.find((kind) => kind === name);
  if (method) return method;
  throw refuse(
    `${name === undefined ? 'No reducer was named' : `There is no reducer ${JSON.stringify(name)}`}; there are ${modelKinds.join(', ')}.`,
  );
}

/** All options of a reduction, defaults included. Throws a `DeepEarthError` (E_OPTIONS). */
export function optionsOf(
  { options = {} }: MethodRequest,
  { name, options: schema }: SavableReduction,
): Readonly<Record<string, unknown>> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw refuse(
    parsed.error.issues
      .map(({ path, message }) => `${name}${path.length ? `.${path.join('.')}` : ''}: ${message}.`)
      .join(' '),
    `Its options are ${Object.keys(schema.shape).join(', ')}.`,
  );
}

/** Refuses options with which a fit cannot be saved. */
export function refuseUnsaved(options: Readonly<Record<string, unknown>>): void {
  if (options['engine'] === 'umap-js') throw refuse('umap-js cannot save a fit.', 'Take engine: native.');
}

/** Refuses more components than channels. */
export function refuseComponents(
  reduction: SavableReduction,
  channels: number,
  options: Readonly<Record<string, unknown>>,
  subject: string,
): number {
  const components = reduction.components(options, channels);
  if (components > channels)
    throw new InputError(subject, `${components} components cannot be made of ${channels} channels.`, {
      remedy: `Ask for ${channels} or fewer.`,
    });
  return components;
}

/** Refuses what would take more than `limit`, which is all of the machine's memory unless told. */
export function refuseMemory(
  subject: string,
  memoryBytes: number,
  { count, channels }: TokenCount,
  limit = totalmem(),
): void {
  if (memoryBytes <= limit) return;
  throw new InputError(
    subject,
    `reducing ${count} tokens of ${channels} channels would need ${gigabytes(memoryBytes)}, and there are ${gigabytes(limit)}.`,
    { code: 'E_MEMORY', remedy: 'Lower maxFitTokens, or take pca.' },
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
