// Finds what is missing in a sequence of numbers.

/** What is missing in a sequence of numbers. */
export interface Gaps {
  /** Missing numbers as ranges, in steps of `step`: `[[618, 618], [630, 640]]`. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** How many numbers are missing. */
  readonly missing: number;
  /** What neighbouring numbers usually differ by: 10 for frames 0, 10, 20, 40. */
  readonly step: number;
}

/** Missing numbers of an ascending sequence; `first` and `last` widen it where the user named them. */
export function findGaps(numbers: readonly number[], first?: number, last?: number): Gaps {
  let step = 0;
  for (let i = 1; i < numbers.length; i++) step = gcd(step, numbers[i]! - numbers[i - 1]!);
  step ||= 1;
  const gaps: [number, number][] = [];
  const note = (from: number, to: number) => {
    if (from <= to) gaps.push([from, to]);
  };
  const [start, end] = [numbers[0]!, numbers.at(-1)!];
  if (first !== undefined) note(start - Math.floor((start - first) / step) * step, start - step);
  for (let i = 1; i < numbers.length; i++) note(numbers[i - 1]! + step, numbers[i]! - step);
  if (last !== undefined) note(end + step, end + Math.floor((last - end) / step) * step);
  return { gaps, step, missing: gaps.reduce((n, [from, to]) => n + (to - from) / step + 1, 0) };
}

/** For people: `618, 630–640 and 3 more ranges`. */
export function formatGaps(gaps: Gaps['gaps'], most = 8): string {
  const shown = gaps.slice(0, most).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
  const rest = gaps.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more ${rest === 1 ? 'range' : 'ranges'}` : ''}`;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
