// Opens an encoder's graph on a device.

import type { DevicePlan } from './devices.ts';
import type { EncoderArchitecture } from './architecture.ts';
import type { GraphRequest, ModelFamily } from './family.ts';
import { openSession, type Session } from './session.ts';
import type { PlacedWeights } from './placed-weights.ts';

export interface OpenGraphOptions {
  readonly plan: DevicePlan;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly profile?: string | undefined;
}

/** Opens one variant of an encoder's graph on one device. */
export function openGraph<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  { folder, weights }: PlacedWeights,
  graph: Omit<GraphRequest<A>, 'weights'>,
  { plan, threads, signal, profile }: OpenGraphOptions,
): Promise<Session> {
  return openSession({
    model: family.graph({ ...graph, weights }),
    folder,
    providers: plan.providers,
    environment: plan.environment,
    threads,
    signal,
    profile,
  });
}
