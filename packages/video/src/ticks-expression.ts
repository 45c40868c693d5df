// Says which frames are wanted in the language of ffmpeg's `select` filter.

/** Terms of an expression at most: ffmpeg looks at all of them for every frame. */
export const mostTerms = 1500;

interface Run {
  readonly start: number;
  step: number;
  end: number;
}

/**
 * An expression that is true for frames with these times (`pts`, ascending, in units of the stream), and how many of
 * them it has room for. Times that are equally far apart are one term.
 */
export function ticksExpression(ticks: Iterable<number>): { readonly expression: string; readonly count: number } {
  const runs: Run[] = [];
  let count = 0;
  for (const tick of ticks) {
    const run = runs.at(-1);
    if (run && run.end === run.start) [run.step, run.end] = [tick - run.start, tick];
    else if (run && tick - run.end === run.step) run.end = tick;
    else if (runs.length === mostTerms) break;
    else runs.push({ start: tick, step: 0, end: tick });
    count++;
  }
  const terms = runs.map(({ start, step, end }) =>
    end === start
      ? `eq(pts,${start})`
      : step === 1
        ? `between(pts,${start},${end})`
        : `between(pts,${start},${end})*not(mod(pts-${start},${step}))`,
  );
  return { expression: terms.join('+'), count };
}
