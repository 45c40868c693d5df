// Laws about `describe`: it is pure, refuses with a reason, and returns well-formed specs.

import { describeAlone } from '@deepearth/runtime/run-stage';
import { formatSpec, spec, type StreamSpec } from '@deepearth/core/specs';
import { isRefusal, type Description, type Refusal } from '@deepearth/core/stage';
import { textOf } from './observe.ts';
import type { AnyStage, Check } from './subject.ts';
import { withInputs } from './with-inputs.ts';

const nonSource = (stage: AnyStage): boolean => stage.kind !== 'source';

export const describeChecks: readonly Check[] = [
  {
    title: 'describes the same twice, changing nothing it is given, with and without a survey',
    find: (stage, subject) =>
      withInputs(subject, async (inputs) => {
        const problems: string[] = [];
        const survey: unknown = await stage.survey?.(
          stage.options.parse(subject.options ?? {}),
          new AbortController().signal,
        );
        for (const found of stage.survey ? [survey, undefined] : [undefined]) {
          const kind = found === undefined && stage.survey ? ' without a survey' : '';
          // A survey is not frozen: it may hold a cache or a typed array, which cannot be.
          const options: unknown = deepFreeze(stage.options.parse(subject.options ?? {}));
          const specs = deepFreeze(
            inputs.map((input, index) => ({ id: `input-${index}`, spec: structuredClone(input) })),
          );
          const ask = (): Description | Refusal =>
            stage.describe(specs[0]?.spec, { options: options as never, survey: found as never, inputs: specs });
          try {
            const [one, other] = [ask(), ask()];
            if (one instanceof Promise)
              problems.push(`it returns a promise${kind}; describe looks at nothing that takes time`);
            else if (JSON.stringify(one) !== JSON.stringify(other))
              problems.push(
                `it returns differently the second time${kind}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`,
              );
            else if (isRefusal(one)) problems.push(`it refuses what it is tested with${kind}: ${one.refused}`);
            else problems.push(...malformed(one));
          } catch (error) {
            problems.push(`describe throws${kind}: ${textOf(error)}`);
          }
        }
        return problems;
      }),
  },
  {
    title: 'describes streams whose sizes are not known yet',
    applies: nonSource,
    find: (stage, subject) =>
      withInputs(subject, async (inputs) => {
        const vague = inputs.map((input): StreamSpec => ({
          ...input,
          count: null,
          axes: input.axes.map(({ name }) => ({ name, size: null })),
        }));
        try {
          const described = await describeAlone(stage, { options: subject.options, inputs: vague });
          return isRefusal(described)
            ? [`it refuses a stream of its own kind whose sizes are not known yet: ${described.refused}`]
            : malformed(described);
        } catch (error) {
          return [`describe throws for ${vague.map(formatSpec).join(' and ')}: ${textOf(error)}`];
        }
      }),
  },
  {
    title: 'refuses a stream of a kind it cannot take, with a reason',
    applies: (stage, subject) => nonSource(stage) && subject.foreign !== null,
    find: (stage, subject) =>
      withInputs(subject, async (inputs) => {
        const foreign = subject.foreign ?? spec('no-such-kind', {}, null);
        try {
          const described = await describeAlone(stage, { options: subject.options, inputs: inputs.map(() => foreign) });
          if (!isRefusal(described)) return [`it takes ${formatSpec(foreign)}; return refuse('…')`];
          return described.refused.trim().length > 10
            ? []
            : [`its reason to refuse ${formatSpec(foreign)} says too little: ${JSON.stringify(described.refused)}`];
        } catch (error) {
          return [`it throws for ${formatSpec(foreign)} instead of refusing it: ${textOf(error)}`];
        }
      }),
  },
];

function malformed({ output, memoryBytes, diskBytes, sharedDiskBytes = {} }: Description): string[] {
  const natural = (value: number | null | undefined): boolean =>
    value === null || value === undefined || (Number.isSafeInteger(value) && value >= 0);
  return [
    ...(typeof output.kind === 'string' && output.kind ? [] : ['what it describes has no kind']),
    ...output.axes
      .filter(({ size }) => !natural(size))
      .map(({ name, size }) => `it describes an axis ${name} of size ${size}`),
    ...(natural(output.count) ? [] : [`it describes ${output.count} items`]),
    ...(natural(memoryBytes) ? [] : [`it describes ${memoryBytes} bytes of memory`]),
    ...(natural(diskBytes) ? [] : [`it describes ${diskBytes} bytes on disk`]),
    ...Object.entries(sharedDiskBytes)
      .filter(([, bytes]) => !natural(bytes))
      .map(([name, bytes]) => `it describes ${bytes} bytes on disk for ${name}`),
  ];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
