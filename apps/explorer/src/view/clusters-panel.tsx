// Groups of tokens: how many, what each is called, which is shown.

import { categoryColor } from '@deepearth/vision/colormaps';
import type { Explorer } from '../state/explorer.ts';

export function ClustersPanel({ explorer }: { explorer: Explorer }) {
  const { clusters, clusterCount, clusterNames, onlyCluster } = explorer;
  const rename = (group: number, name: string): void => {
    const names = Array.from(
      { length: Math.max(clusterNames.value.length, group + 1) },
      (_, i) => clusterNames.value[i] ?? '',
    );
    names[group] = name;
    clusterNames.value = names;
  };
  return (
    <section class="panel" aria-labelledby="clusters-title">
      <h2 id="clusters-title">Clusters</h2>
      <label class="field wide">
        {clusterCount.value} groups
        <input
          type="range"
          min="2"
          max="24"
          value={clusterCount.value}
          onInput={(event) => (clusterCount.value = Number(event.currentTarget.value))}
        />
      </label>
      {!clusters.value && <p class="hint">Grouping …</p>}
      <ul class="clusters">
        {clusters.value?.shares.map((share, group) => (
          <li key={group}>
            <button
              type="button"
              class="swatch"
              style={{ '--swatch': `rgb(${categoryColor(group).join(' ')})` }}
              aria-pressed={onlyCluster.value === group}
              aria-label={`Show group ${group + 1} alone`}
              title="Show it alone"
              onClick={() => (onlyCluster.value = onlyCluster.value === group ? undefined : group)}
            />
            <input
              aria-label={`Name of group ${group + 1}`}
              placeholder={`Group ${group + 1}`}
              value={clusterNames.value[group] ?? ''}
              onInput={(event) => rename(group, event.currentTarget.value)}
            />
            <span class="share">{(share * 100).toFixed(1)} %</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
