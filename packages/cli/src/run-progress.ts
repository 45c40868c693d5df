// What is known of a run while it runs, folded from its events.

import type { RunEvent } from '@deepearth/core/events';

export interface Sample {
  /** Milliseconds of a steady clock. */
  readonly at: number;
  readonly done: number;
}

/** A step that a stage reported: "fit", 120 of 500. */
export interface Step {
  readonly name: string;
  readonly done: number;
  readonly total: number | null;
  readonly samples: readonly Sample[];
}

export interface StageProgress {
  readonly id: string;
  readonly type: string;
  /** Items that will leave it; null where that is not known. */
  readonly count: number | null;
  readonly out: number;
  readonly skipped: number;
  readonly state: 'waiting' | 'open' | 'closed';
  readonly samples: readonly Sample[];
  readonly step: Step | undefined;
  readonly busySeconds: number;
  /** `out` with what is under way, in fractions, as the stage estimates it. */
  readonly estimated: number | undefined;
  /** Share of the last seconds in which it worked; in which its devices worked, where it has any. */
  readonly busy: number | undefined;
}

export interface RunProgress {
  readonly output: string;
  readonly startedAt: number;
  readonly stages: readonly StageProgress[];
  readonly artifacts: number;
  readonly bytes: number;
  readonly warnings: number;
}

export const noProgress = (now: number): RunProgress => ({
  output: '',
  startedAt: now,
  stages: [],
  artifacts: 0,
  bytes: 0,
  warnings: 0,
});

/** Enough to even out items of unequal length, few enough to follow a change of pace. */
const keptSamples = 12;
const sampled = (samples: readonly Sample[], sample: Sample): readonly Sample[] => [
  ...samples.slice(-keptSamples + 1),
  sample,
];

/** The state after an event that came at `now`. */
export function advance(progress: RunProgress, event: RunEvent, now: number): RunProgress {
  const change = (id: string, with_: (stage: StageProgress) => Partial<StageProgress>): RunProgress => ({
    ...progress,
    stages: progress.stages.map((stage) => (stage.id === id ? { ...stage, ...with_(stage) } : stage)),
  });
  switch (event.type) {
    case 'run-started':
      return {
        ...progress,
        output: event.output,
        stages: event.stages.map((stage) => ({
          ...stage,
          out: 0,
          skipped: 0,
          state: 'waiting',
          samples: [],
          step: undefined,
          busySeconds: 0,
          estimated: undefined,
          busy: undefined,
        })),
      };
    case 'stage-opened':
      return change(event.stage, () => ({ state: 'open', samples: [{ at: now, done: 0 }] }));
    case 'item':
      return change(event.stage, ({ samples, step }) => ({
        out: event.out,
        estimated: undefined,
        samples: sampled(samples, { at: now, done: event.out }),
        ...(step && step.total !== null && step.done >= step.total ? { step: undefined } : {}),
      }));
    case 'progress':
      return change(event.stage, ({ step }) => {
        const before = step?.name === event.step && event.done >= step.done ? step.samples : [];
        return {
          estimated: event.estimated,
          step: {
            name: event.step,
            done: event.done,
            total: event.total,
            samples: sampled(before, { at: now, done: event.done }),
          },
        };
      });
    case 'utilisation':
      return {
        ...progress,
        stages: progress.stages.map((stage) => {
          const use = event.stages.find((each) => each.stage === stage.id);
          return use ? { ...stage, busy: deviceShare(use.devices) ?? use.busy } : stage;
        }),
      };
    case 'skipped':
      return change(event.stage, ({ skipped }) => ({ skipped: skipped + 1 }));
    case 'stage-closed':
      return change(event.stage, () => ({
        state: 'closed',
        step: undefined,
        estimated: undefined,
        out: event.out,
        skipped: event.skipped,
        busySeconds: event.busySeconds,
      }));
    case 'artifact':
      return { ...progress, artifacts: progress.artifacts + 1, bytes: progress.bytes + event.bytes };
    case 'warning':
      return { ...progress, warnings: progress.warnings + 1 };
    default:
      return progress;
  }
}

/** The mean over devices; undefined where there are none. */
export function deviceShare(devices: Readonly<Record<string, number>> | undefined): number | undefined {
  const shares = Object.values(devices ?? {});
  return shares.length > 0 ? shares.reduce((sum, share) => sum + share, 0) / shares.length : undefined;
}

/**
 * Things per second over the last samples, the time since counting too (a stall shows); undefined before there are two.
 */
export function rateOf(samples: readonly Sample[], now: number): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.done <= first.done) return undefined;
  // Between two items nothing is known: only waiting longer than usual makes the rate smaller.
  const usual = (last.at - first.at) / (samples.length - 1);
  const seconds = Math.max(last.at - first.at, now - first.at - usual) / 1000;
  return seconds > 0 ? (last.done - first.done) / seconds : undefined;
}

/** Seconds until `total` at the pace of the samples; undefined where that cannot be said. */
export function secondsLeft(samples: readonly Sample[], total: number | null, now: number): number | undefined {
  const rate = rateOf(samples, now);
  const last = samples.at(-1);
  if (total === null || !rate || !last) return undefined;
  return Math.max(0, (total - last.done) / rate - (now - last.at) / 1000);
}
