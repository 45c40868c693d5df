import { describe, expect, test } from 'vitest';
import { ConfigError } from '@deepearth/core/errors';
import { memoryStore } from '@deepearth/core';
import { plan } from '@deepearth/core/plan';
import { run } from '@deepearth/core/run';
import { parseConfig } from '@deepearth/runtime/config';
import { optionsSchema } from '@deepearth/runtime/schema';
import { builtinStages } from './registry.ts';

const load = async (stages: string) =>
  (await parseConfig(`stages:\n${stages}`, 'p.yaml', { registry: builtinStages() })).pipeline;

const folders = async (stages: string): Promise<string[]> => {
  const { manifest } = await run(await load(stages), { store: memoryStore() }).result;
  expect(manifest.status).toBe('done');
  return [...new Set(manifest.outputs.map(({ path }) => path.replace(/(frame|clip)?_?\d{4}.*/, '')))];
};

const planned = async (stages: string): Promise<string[]> => {
  const { stages: all } = await plan(await load(stages), { survey: false });
  return all.flatMap(({ description }) => description.files?.paths.map(({ path }) => path) ?? []);
};

const problem = async (stages: string): Promise<string> => {
  try {
    await plan(await load(stages), { survey: false });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'none';
};

const tokens = `
  - { type: source/synthetic, with: { count: 2, width: 32, height: 32 } }
  - { type: windower/sliding, with: { size: 2 } }
  - { id: tokens, type: encoder/vjepa2, with: { cropSize: 32 } }
`;

const colours = (second: string, from = '[pca-tokens, umap-tokens]'): string => `${tokens}
  - { id: pca, type: reducer/pca, from: tokens }
  - { id: pca-tokens, type: renderer/tokens }
  - { id: umap, type: ${second}, from: tokens }
  - { id: umap-tokens, type: renderer/tokens }
  - { type: sink/pictures, from: ${from} }
  - { type: sink/gif, from: ${from} }
`;

describe('files of two stages', () => {
  test('keep the names of reducer and kind where these differ', async () => {
    expect(await folders(colours('reducer/kmeans'))).toEqual([
      'gif/kmeans-tokens.gif',
      'gif/pca-tokens.gif',
      'pictures/kmeans-tokens/',
      'pictures/pca-tokens/',
    ]);
  });

  test('are told apart by the ids of renderers, when one reducer takes the place of another by its type alone', async () => {
    expect(await folders(colours('reducer/pca'))).toEqual([
      'gif/pca-tokens.gif',
      'gif/umap-tokens.gif',
      'pictures/pca-tokens/',
      'pictures/umap-tokens/',
    ]);
  });

  test('lie in folders called like their sinks, where two sinks of one type write the same', async () => {
    const two = `${tokens}
  - { id: other, type: encoder/vjepa2, from: sliding, with: { cropSize: 32 } }
  - { id: features, type: sink/features, from: tokens }
  - { id: other-features, type: sink/features, from: other }
  - { type: sink/package, from: features }
  - { type: sink/package, from: other-features }
`;
    expect(await folders(two)).toEqual([
      'features/features_frames',
      'other-features/features_frames',
      'package-2.zip',
      'package.zip',
    ]);
  });

  test('keep their names where clips are cut differently, or formats differ', async () => {
    const two = `${tokens}
  - { type: windower/sliding, id: single, from: synthetic, with: { size: 1 } }
  - { type: encoder/vjepa2, id: other, with: { cropSize: 32 } }
  - { type: sink/features, id: a, from: tokens }
  - { type: sink/features, id: b, from: other }
  - { type: sink/features, id: c, from: tokens, with: { format: npy } }
`;
    expect(await folders(two)).toEqual(['features/features_frames']);
  });

  test('are what the plan says', async () => {
    expect(await planned(colours('reducer/umap'))).toEqual([
      'pictures/pca-tokens/<sequence>/frame_<number>.png',
      'pictures/umap-tokens/<sequence>/frame_<number>.png',
      'gif/<sequence>/pca-tokens.gif',
      'gif/<sequence>/umap-tokens.gif',
    ]);
  });

  test('two tables of embeddings', async () => {
    const two = `${tokens}
  - { type: aggregator/mean, from: tokens }
  - { type: sink/table }
  - { type: aggregator/max, from: tokens }
  - { id: most, type: sink/table, with: { format: csv } }
`;
    expect(await planned(two)).toEqual(['table.csv', 'most.csv']);
  });

  test('two GIF sinks, and two contact sheets of one kind', async () => {
    const sheets = `${colours('reducer/pca', '[pca-tokens, umap-tokens]')}
  - { id: more, type: sink/gif, from: pca-tokens }
  - { id: small, type: renderer/contact-sheet, from: pca-tokens }
  - { id: large, type: renderer/contact-sheet, from: pca-tokens }
  - { id: sheets, type: sink/pictures, from: [small, large], with: { directory: sheets } }
`;
    expect(await planned(sheets)).toEqual([
      'pictures/pca-tokens/<sequence>/frame_<number>.png',
      'pictures/umap-tokens/<sequence>/frame_<number>.png',
      'gif/<sequence>/pca-tokens.gif',
      'gif/<sequence>/umap-tokens.gif',
      'more/<sequence>/pca-tokens.gif',
      'sheets/pca-tokens-small/<sequence>/frame_<number>.png',
      'sheets/pca-tokens-large/<sequence>/frame_<number>.png',
    ]);
  });
});

describe('names that were chosen and are the same are refused, with a remedy that works', () => {
  test('folders', async () => {
    const two = (folder: string): string => `${tokens}
  - { id: a, type: sink/features, from: tokens, with: { directory: here } }
  - { id: b, type: sink/features, from: tokens, with: { directory: ${folder} } }
`;
    expect(await problem(two('here'))).toBe(
      'p.yaml:8:57 b.directory: a and b would both write here/<sequence>/features_frames_<first>_<last>.safetensors. Give one of them another `directory`.',
    );
    expect(await problem(two('there'))).toBe('none');
  });

  test('layers', async () => {
    const layers = colours('reducer/pca').replaceAll('renderer/tokens', 'renderer/tokens, with: { layer: x }');
    expect(await problem(layers)).toMatch(
      /^p\.yaml:11:28 pictures: pca-tokens and umap-tokens both send pictures called x\. Take each with a sink\/pictures of its own\.$/m,
    );
    const apart = layers.replace(
      '- { type: sink/pictures, from: [pca-tokens, umap-tokens] }\n  - { type: sink/gif, from: [pca-tokens, umap-tokens] }',
      '- { type: sink/pictures, from: pca-tokens }\n  - { type: sink/pictures, from: umap-tokens }',
    );
    expect(await planned(apart)).toEqual([
      'pictures/x/<sequence>/frame_<number>.png',
      'pictures-2/x/<sequence>/frame_<number>.png',
    ]);
  });

  test('two streams of tokens in one sink', async () => {
    const one = `${tokens}
  - { id: other, type: encoder/vjepa2, from: sliding, with: { cropSize: 32 } }
  - { id: both, type: sink/features, from: [tokens, other] }
`;
    expect(await problem(one)).toBe(
      'p.yaml:8:38 both: several of its inputs would be written to both/<sequence>/features_frames_<first>_<last>.safetensors. Take each with a sink/features of its own.',
    );
  });

  test('models of two reducers', async () => {
    const saved = colours('reducer/pca').replaceAll('reducer/pca,', 'reducer/pca, with: { saveAs: m.safetensors },');
    expect(await problem(saved)).toContain(
      'pca and umap would both write m.safetensors. Give one of them another `saveAs`.',
    );
  });
});

describe('names of files that cannot be', () => {
  const options = async (): Promise<[type: string, option: string][]> => {
    const registry = builtinStages();
    const types = registry.types.filter((type) => /^(?:renderer|sink|reducer)\//.test(type));
    const all = await Promise.all(
      types.map(async (type) => {
        const { properties = {} } = optionsSchema(await registry.load(type)) as {
          properties?: Record<string, { type?: string; enum?: unknown; description?: string }>;
        };
        return (
          Object.entries(properties)
            .filter(([, schema]) => schema.type === 'string' && !schema.enum)
            // What is read is no name of a file that is written.
            .filter(([option]) => option !== 'model')
            .map(([option]): [string, string] => [type, option])
        );
      }),
    );
    return all.flat();
  };

  test('are refused by the option that gives them, in every stage that has one', async () => {
    const found = await options();
    expect(found.map(([, option]) => option)).toEqual(
      expect.arrayContaining(['saveAs', 'layer', 'directory', 'prefix', 'file', 'name']),
    );
    for (const [type, option] of found)
      for (const name of ['../x.zip', '/x.zip', '', 'a\u0000.zip', 'x\\y.zip', `${'y'.repeat(252)}.zip`]) {
        const { options: schema } = await builtinStages().load(type);
        expect([type, option, name, schema.safeParse({ [option]: name }).success]).toEqual([type, option, name, false]);
      }
  });

  test('are found with their place', async () => {
    const stages = `${tokens}
  - { id: pca, type: reducer/pca, from: tokens, with: { saveAs: manifest.json } }
  - { id: picture, type: renderer/tokens, from: pca }
  - { type: sink/gif }
  - { type: sink/package, with: { file: ../x.zip } }
`;
    await expect(load(stages)).rejects.toThrow(
      /^p\.yaml:7:57 pca\.saveAs: expected another name: .* got "manifest\.json"\.\np\.yaml:10:35 package\.file: expected a path inside the output folder/,
    );
  });

  test('are found where they become too long by what is added to them', async () => {
    const long = `${tokens}  - { type: sink/features, with: { prefix: ${'y'.repeat(240)} } }
`;
    expect(await problem(long)).toMatch(
      /^p\.yaml:6:36 features\.prefix: would write .* expected names of at most 255 bytes, and one has \d+\./,
    );
  });

  test('are found where a file would lie in the place of a folder', async () => {
    const stages = `${tokens}
  - { id: pca, type: reducer/pca, from: tokens, with: { saveAs: GIF } }
  - { id: picture, type: renderer/tokens, from: pca }
  - { type: sink/gif }
`;
    expect(await problem(stages)).toContain(
      'gif.directory: pca and gif would write a file GIF and, in a folder of that name, gif/<sequence>/pca-tokens.gif.',
    );
  });

  test('are found in names that differ by case or by the form of accents alone', async () => {
    const two = (a: string, b: string): string => `${tokens}
  - { id: a, type: sink/features, from: tokens, with: { directory: "${a}" } }
  - { id: b, type: sink/features, from: tokens, with: { directory: "${b}" } }
`;
    expect(await problem(two('Here', 'here'))).toContain('a and b would both write Here/');
    expect(await problem(two('caf\u00e9', 'cafe\u0301'))).toContain('a and b would both write');
  });

  test('are found in names of sequences', async () => {
    const source = (name: string): string =>
      `  - { id: ${name}, type: source/synthetic, with: { count: 2, width: 32, height: 32, sequence: `;
    const two = (a: string, b: string): string => `
${source('one')}"${a}" } }
${source('two')}"${b}" } }
  - { type: windower/sliding, from: [one, two], with: { size: 2 } }
  - { type: encoder/vjepa2, with: { cropSize: 32 } }
  - { type: sink/features }
`;
    expect(await problem(two('north', 'south'))).toBe('none');
    expect(await problem(two('north', 'North'))).toContain(
      'some file systems take it for that of the sequence "north"',
    );
    expect(await problem(two('north', ':'.repeat(100)))).toContain(
      'expected names of at most 255 bytes, and one has 300',
    );
  });
});
