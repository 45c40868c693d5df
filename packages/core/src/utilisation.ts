// Tells every few seconds how much of the time the stages of a run worked.

import type { RunEvent, StageShare } from './events.ts';
import type { StageRun } from './stage-run.ts';

const everyMs = 10_000;

/** Emits a `utilisation` event every ten seconds for the stages that are at it, until what is returned is called. */
export function tellUtilisation(
  stages: readonly { readonly id: string; readonly run: StageRun }[],
  emit: (event: RunEvent) => void,
): () => void {
  let since = performance.now();
  let before = stages.map(({ run }) => run.counts());
  const timer = setInterval(() => {
    const now = performance.now();
    const counts = stages.map(({ run }) => run.counts());
    const seconds = (now - since) / 1000;
    const share = (after: number, earlier = 0): number =>
      Math.round(1000 * Math.min(1, Math.max(0, (after - earlier) / seconds))) / 1000;
    const uses = stages.flatMap(({ id, run }, index): StageShare[] => {
      const [old, { busySeconds, devices }] = [before[index]!, counts[index]!];
      if (run.isClosed()) return [];
      return [
        {
          stage: id,
          busy: share(busySeconds, old.busySeconds),
          ...(devices && {
            devices: Object.fromEntries(
              Object.entries(devices).map(([name, worked]) => [name, share(worked, old.devices?.[name])]),
            ),
          }),
        },
      ];
    });
    [since, before] = [now, counts];
    emit({ type: 'utilisation', seconds: Math.round(1000 * seconds) / 1000, stages: uses });
  }, everyMs);
  // A run that waits for nothing more is found stalled because nothing keeps the process.
  (timer as { unref?: () => void }).unref?.();
  return () => clearInterval(timer);
}
