// `deepearth compare`: judges reductions of the same tokens.

import { compareFiles, type ComparedFile } from '@deepearth/reducers/compare-files';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatNumber, formatTable } from '../format.ts';
import { parseChoice, parseWhole } from '../parse-number.ts';
import { print, printJson } from '../print.ts';
import { stepProgress } from '../step-progress.ts';
import { plainStyle, styleOf, type Style } from '../style.ts';

export interface CompareFlags {
  readonly tokens: string;
  readonly neighbors: string;
  readonly metric: string;
  readonly sample: string;
  readonly tensor?: string;
  readonly json?: boolean;
}

const metrics = ['cosine', 'euclidean', 'correlation', 'manhattan'] as const;

export async function compareCommand(
  reductions: readonly string[],
  { tokens, tensor, json = false, ...flags }: CompareFlags,
): Promise<number> {
  const numbers = {
    neighbors: parseWhole('--neighbors', flags.neighbors),
    sample: parseWhole('--sample', flags.sample, 3),
    metric: parseChoice('--metric', flags.metric, metrics),
  };
  const progress = stepProgress({ json });
  return cancellable(async ({ signal }) => {
    try {
      const results = await compareFiles({ reductions, tokens, tensor, ...numbers, signal, progress: progress.report });
      progress.close();
      if (json) printJson(results);
      else print(comparisonText(results, styleOf(process.stdout)));
      return exitCodes.done;
    } catch (error) {
      progress.close();
      throw error;
    }
  });
}

/** A table, and what its columns mean. */
export function comparisonText(results: readonly ComparedFile[], style: Style = plainStyle): string {
  const columns = [
    { title: 'file' },
    { title: 'trust', align: 'right' },
    { title: 'continuity', align: 'right' },
    { title: 'neighbours', align: 'right' },
    { title: 'distances', align: 'right' },
  ] as const;
  const rows = results.map(({ path, trustworthiness, continuity, neighborOverlap, distanceCorrelation }) => [
    path,
    ...[trustworthiness, continuity, neighborOverlap, distanceCorrelation].map((value) => value.toFixed(4)),
  ]);
  const [titles, ...lines] = formatTable(columns, rows).split('\n');
  const [first] = results;
  return [
    style.dim(titles!),
    ...lines,
    ...(first
      ? [style.dim(`Over ${formatNumber(first.tokens)} tokens and neighbourhoods of ${first.neighbors}; 1 is best.`)]
      : []),
    style.dim(
      'trust: neighbours in the result were neighbours before; continuity: the other way round; neighbours: the share that stayed; distances: rank correlation.',
    ),
  ].join('\n');
}
