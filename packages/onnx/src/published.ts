// Checkpoints that are known by name.

import type { EncoderArchitecture } from './architecture.ts';

/** A published checkpoint. */
export interface Published<A extends EncoderArchitecture> {
  /** Its name on the Hugging Face Hub: what `model:` takes. */
  readonly name: string;
  /** Other repositories that hold the same weights. */
  readonly mirrors: readonly string[];
  /** "V-JEPA 2.0 ViT-g, 384 px, 64 frames": what it is, in a few words. */
  readonly summary: string;
  /** Values of the encoder. */
  readonly parameters: number;
  /** Values in the published file; `undefined` where it is not known. */
  readonly fileParameters: number | undefined;
  /** Class names of a fine-tuned classifier. */
  readonly labels: number;
  /** True where the Hub gives it only to accounts that accepted its terms. */
  readonly gated: boolean;
  /** The file that the authors published, and under which key the encoder lies in it. */
  readonly original: { readonly url: string; readonly key: string } | null;
  architecture(): A;
}

/** All names of published checkpoints, for suggestions. */
export const namesOf = (catalogue: readonly Pick<Published<EncoderArchitecture>, 'name' | 'mirrors'>[]): string[] =>
  catalogue.flatMap(({ name, mirrors }) => [name, ...mirrors]);

/** The entry of a repository, a mirror's too; names are compared without regard to case, as the Hub does. */
export function findPublished<E extends Pick<Published<EncoderArchitecture>, 'name' | 'mirrors'>>(
  catalogue: readonly E[],
  name: string,
): E | undefined {
  const wanted = name.toLowerCase();
  return catalogue.find((entry) => [entry.name, ...entry.mirrors].some((known) => known.toLowerCase() === wanted));
}
