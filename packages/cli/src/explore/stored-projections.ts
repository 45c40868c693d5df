// Reads the projections that a run wrote, one stream for each reducer.

import { clipId } from '@deepearth/core/names';
import { InputError } from '@deepearth/core/errors';
import type { Projection } from '@deepearth/core/items';
import { lineage } from '@deepearth/core/lineage';
import { spec } from '@deepearth/core/specs';
import { defineSource } from '@deepearth/core/stage';
import { toFloat32 } from '@deepearth/core/half';
import type { Tensor } from '@deepearth/core/tensor';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { scaleName, withScale } from '@deepearth/formats/scale';
import { z } from 'zod';

/** What is used of the clip that a file tells of. */
interface StoredPlace {
  readonly sequence: string;
  readonly index: number;
}

/** A source of files, in their order; for `deepearth explore` alone. */
export const storedProjections = defineSource({
  type: 'stored-projections',
  summary: 'Reads projections that an earlier run wrote.',
  options: z.strictObject({ paths: z.array(z.string()).describe('Files of `sink/features`, in order.') }),
  examples: [],
  describe: (_, { options: { paths } }) => ({
    output: { ...spec('projection', {}, 'float32', paths.length), sequences: null },
  }),
  async *process(_, { options: { paths }, signal, severalSequences, attempt }): AsyncGenerator<Projection> {
    for (const path of paths) {
      const projection = await attempt({ id: path }, () => readProjection(path, severalSequences, signal));
      if (projection) yield projection;
    }
  },
});

async function readProjection(path: string, severalSequences: boolean, signal: AbortSignal): Promise<Projection> {
  const source = await openFile(path);
  try {
    const file = await openSafetensors(source, signal);
    const refuse = (message: string): never => {
      throw new InputError(path, `is no file of projections: ${message}.`, {
        code: 'E_TOKEN_FILE',
        remedy: 'Take one that `sink/features` wrote.',
      });
    };
    const text = (name: string): string => file.metadata.get(name) ?? refuse(`its metadata has no "${name}"`);
    const parsed = <T>(name: string, shape: z.ZodType<T>): T => {
      try {
        return shape.parse(JSON.parse(text(name)));
      } catch {
        return refuse(`its metadata "${name}" has another form`);
      }
    };
    const values = file.find('projection') ?? refuse('it has no tensor "projection"');
    const read = await withScale(values, file.find(scaleName('projection')), path).read(signal);
    const place: StoredPlace | undefined = file.metadata.has('clip')
      ? parsed('clip', z.object({ sequence: z.string(), index: z.number() }))
      : undefined;
    return {
      kind: 'projection',
      id: place ? clipId(place.sequence, place.index, severalSequences) : text('id'),
      key: lineage('stored projection', text('key')),
      axes: parsed('axes', z.array(z.string())),
      origin: { kind: 'unknown' },
      values: toFloat32(read as Tensor),
      limits: parsed('limits', z.array(z.tuple([z.number(), z.number()]))),
      meaning: z.enum(['coordinates', 'scalar', 'label']).parse(text('meaning')),
      reducer: text('reducer'),
    };
  } finally {
    await source.close();
  }
}
