// Reads a file of labels that the explorer's page saved.

import { readFile } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import type { LabelModel, LabelsFile } from '@deepearth/sinks/explorer/label-model';
import { z } from 'zod';

const shape = z.object({
  format: z.literal(1),
  encoder: z.object({ name: z.string(), fingerprint: z.string() }),
  labels: z.array(z.string()).min(1),
  model: z.object({ weights: z.array(z.array(z.number())), bias: z.array(z.number().nullable()) }).optional(),
});

/** Labels that can be applied. */
export interface Labels extends Pick<LabelsFile, 'encoder' | 'labels'> {
  readonly model: LabelModel;
}

/** Throws an `InputError` for another file, and for one with marks alone, of which no model follows. */
export async function readLabels(path: string): Promise<Labels> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InputError(path, 'cannot be read.', { code: 'E_FILE_MISSING', remedy: 'Name a file of labels.', cause });
  });
  const refuse = (why: string): never => {
    throw new InputError(path, why, {
      code: 'E_LABELS_FILE',
      remedy: 'Save one in deepearth explore: Labels, at least two of them with marks, Save JSON.',
    });
  };
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    refuse('is no file of labels: it is no JSON.');
  }
  const parsed = shape.safeParse(said);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`is no file of labels: ${issue!.path.join('.') || 'it'}: ${issue!.message}.`);
  }
  const { encoder, labels, model } = parsed.data;
  if (!model) return refuse('holds marks and no model, so that other tokens have no labels.');
  const channels = new Set(model.weights.map(({ length }) => length));
  if (model.weights.length !== labels.length || model.bias.length !== labels.length || channels.size !== 1)
    refuse(`is damaged: its model does not fit its ${labels.length} labels.`);
  if (model.bias.every((bias) => bias === null)) refuse('has no label with a mark.');
  return { encoder, labels, model };
}
