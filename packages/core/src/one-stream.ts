// What several inputs are together, for a stage that takes them as one stream.

import { refuse, type Refusal } from './refusal.ts';
import { axesKnown, axisSize, countsOf, type StreamSpec } from './specs.ts';

/** An input of a stage as `describe` sees it. */
export interface DescribedInput {
  /** The stage it comes from. */
  readonly id: string;
  readonly spec: StreamSpec;
}

/** Pictures of one stream may have different sizes, and so may the grids that are made of them. */
const mayDiffer = ['height', 'width'];

/**
 * The stream of all inputs, `undefined` where there is none; a refusal that says what differs where they are not of one
 * kind, type and axes, or where two of them send the same sequence. Heights and widths may differ and are `null` then.
 */
export function oneStream(inputs: readonly DescribedInput[]): StreamSpec | Refusal | undefined {
  const [first, ...rest] = inputs;
  if (!first || rest.length === 0) return first?.spec;
  for (const other of rest) {
    const difference = differs(first.spec, other.spec);
    if (difference)
      return refuse(
        `${first.id} and ${other.id} cannot be taken together: ${difference.what} (${difference.of(first.spec)} and ${difference.of(other.spec)}).`,
        { remedy: 'Give each a stage of its own.' },
      );
  }
  const twice = sentTwice(inputs);
  if (twice) return twice;
  const specs = inputs.map(({ spec }) => spec);
  const sequences = specs.map((spec) => spec.sequences);
  const counts = specs.map(countsOf);
  return {
    kind: first.spec.kind,
    axes: specs.every(axesKnown) ? first.spec.axes.map(({ name }) => ({ name, size: sharedSize(specs, name) })) : [],
    dtype: specs.every(({ dtype }) => dtype === first.spec.dtype) ? first.spec.dtype : null,
    count: totalCount(inputs),
    ...(sequences.every((list) => list !== undefined) && {
      sequences: sequences.includes(null) ? null : sequences.flatMap((list) => list ?? []),
    }),
    ...(counts.every((list) => list !== undefined) && { counts: counts.flatMap((list) => list ?? []) }),
    ...(specs.some(({ interleaved }) => interleaved) && { interleaved: true }),
    ...(specs.some(({ overlapping }) => overlapping) && { overlapping: true }),
    ...(specs.some(({ mixedSizes }) => mixedSizes) && { mixedSizes: true }),
  };
}

/** Items of all inputs; `null` where one does not know its own. */
export const totalCount = (inputs: readonly { readonly spec: StreamSpec }[]): number | null =>
  inputs.reduce<number | null>((sum, { spec }) => (sum === null || spec.count === null ? null : sum + spec.count), 0);

/** The size that all have; `null` where they differ or one is not known. */
function sharedSize(specs: readonly StreamSpec[], name: string): number | null {
  const sizes = new Set(specs.map((spec) => axisSize(spec, name)));
  return sizes.size === 1 ? [...sizes][0]! : null;
}

interface Difference {
  readonly what: string;
  of(stream: StreamSpec): string;
}

function differs(a: StreamSpec, b: StreamSpec): Difference | undefined {
  if (a.kind !== b.kind) return { what: 'they are of different kinds', of: ({ kind }) => kind };
  if (axesKnown(a) && axesKnown(b)) {
    const names = ({ axes }: StreamSpec): string => `[${axes.map(({ name }) => name).join(', ')}]`;
    if (names(a) !== names(b)) return { what: 'their axes differ', of: names };
    const odd = a.axes.find(
      ({ name, size }) => !mayDiffer.includes(name) && size !== null && (axisSize(b, name) ?? size) !== size,
    );
    if (odd) return { what: `${odd.name} differs`, of: (stream) => String(axisSize(stream, odd.name)) };
  }
  if (a.dtype !== null && b.dtype !== null && a.dtype !== b.dtype)
    return { what: 'their types differ', of: ({ dtype }) => dtype! };
  return undefined;
}

/**
 * A refusal where two inputs send the same sequence: its items have names that are their own within it, and come in its
 * order.
 */
export function sentTwice(inputs: readonly DescribedInput[]): Refusal | undefined {
  const from = new Map<string, string>();
  for (const { id, spec } of inputs)
    for (const sequence of spec.sequences ?? []) {
      const before = from.get(sequence);
      if (before !== undefined)
        return refuse(`${before} and ${id} both send the sequence ${JSON.stringify(sequence)}.`, {
          remedy: 'Give each a stage of its own, or, for two sources, one of them another name with `sequence`.',
        });
      from.set(sequence, id);
    }
  return undefined;
}
