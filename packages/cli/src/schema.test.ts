import Ajv from 'ajv';
import { describe, expect, test } from 'vitest';
import { pipelineSchema } from '@deepearth/runtime/schema';
import { parse } from 'yaml';
import { builtinStages } from './registry.ts';
import { templates } from './templates.generated.ts';
import { starterPipeline } from './starter.ts';

const validate = new Ajv({ allErrors: true }).compile(await pipelineSchema(builtinStages()));

/** Path and message of everything wrong; `if` says only that one of the others holds. */
const problems = (text: string): string[] => {
  validate(parse(text) as unknown);
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if')
    .map(({ dataPath, message, params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      return `${dataPath} ${message}${extra === undefined ? '' : ` ${extra}`}`;
    });
};

const source = '{ type: source/frames, with: { directory: frames } }';

describe('the schema for editors', () => {
  test.each([
    ['starter', starterPipeline],
    ...Object.entries(templates).map(([name, files]) => [name, files['pipeline.yaml']!]),
  ])('takes the template %s', (_, text) => {
    expect(problems(text!)).toEqual([]);
  });

  test.each([
    [
      'variables, anchors and empty options',
      `x-a: 1\nstages: [${source}, { type: windower/sliding, with: { size: "\${SIZE}", tail: "\${TAIL:-pad}" } }, { type: reducer/pca, with: null }]`,
    ],
    [
      'types of plugins, where the file names some',
      `plugins: [./a.mjs]\nstages: [${source}, { type: reducer/mine, with: { any: 1 } }]`,
    ],
    [
      'every shape of onError',
      `stages: [{ type: source/synthetic, onError: { retry: 2, then: skip } }, { type: windower/still, onError: skip, from: synthetic }]`,
    ],
  ])('takes %s', (_, text) => {
    expect(problems(text)).toEqual([]);
  });

  test.each([
    [
      'an unknown type',
      `stages: [${source}, { type: windower/slidign }]`,
      ['.stages[1].type should be equal to one of the allowed values'],
    ],
    [
      'a mistyped option',
      `stages: [${source}, { type: windower/sliding, with: { sise: 8 } }]`,
      ['.stages[1].with should NOT have additional properties sise'],
    ],
    [
      'a value out of range',
      `stages: [${source}, { type: windower/sliding, with: { size: 0 } }]`,
      ['.stages[1].with.size should be > 0'],
    ],
    [
      'a value of another type',
      `stages: [${source}, { type: windower/sliding, with: { size: many } }]`,
      ['.stages[1].with.size should be integer'],
    ],
    [
      'a word that is none of the list',
      `stages: [${source}, { type: windower/sliding, with: { tail: cut } }]`,
      ['.stages[1].with.tail should be equal to one of the allowed values'],
    ],
    [
      'a missing option',
      'stages: [{ type: source/frames, with: {} }]',
      [".stages[0].with should have required property 'directory'"],
    ],
    ['missing options', 'stages: [{ type: source/frames }]', [".stages[0] should have required property 'with'"]],
    [
      'a mistake inside one of two shapes',
      `stages: [{ type: source/synthetic }, { type: windower/sliding }, { type: encoder/vjepa2, with: { cropSize: { height: 384 } } }]`,
      [".stages[2].with.cropSize should have required property 'width'"],
    ],
    [
      'a mistyped key of a stage',
      `stages: [{ type: source/synthetic, wiht: {} }]`,
      ['.stages[0] should NOT have additional properties wiht'],
    ],
    [
      'a mistyped key of the file',
      `stages: [{ type: source/synthetic }]\nouput: x`,
      [' should NOT have additional properties ouput'],
    ],
    [
      'an onError that is none',
      'stages: [{ type: source/synthetic, onError: ignore }]',
      ['.stages[0].onError should be equal to one of the allowed values'],
    ],
    [
      'an onError with a mistake inside',
      'stages: [{ type: source/synthetic, onError: { retry: 0 } }]',
      ['.stages[0].onError.retry should be >= 1'],
    ],
    ['no stages', 'name: x', [" should have required property 'stages'"]],
  ])('finds %s, and nothing else', (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });
});
