// Where a queue lies: BullMQ on Redis or Valkey, or on PostgreSQL.

import type { FlowProducer, Queue, Worker } from 'bullmq';
import { DeepEarthError } from '@deepearth/core/errors';
import type { JobData, JobName } from './jobs.ts';

/** BullMQ's queue of such jobs. */
export type PipelineQueue = Queue<JobData, unknown, JobName>;
/** BullMQ's worker on such jobs. */
export type PipelineWorker = Worker<JobData, unknown, JobName>;

/** What BullMQ makes of one connection. */
export interface QueueBackend {
  /** Without user and password, to be shown. */
  readonly shown: string;
  queue(): PipelineQueue;
  flows(): FlowProducer;
  worker(
    process: ConstructorParameters<typeof Worker<JobData, unknown, JobName>>[1],
    options: Omit<NonNullable<ConstructorParameters<typeof Worker<JobData, unknown, JobName>>[2]>, 'connection'>,
  ): PipelineWorker;
}

/** Where a queue lies and what it is called. */
export interface QueuePlace {
  /** `redis://`, `rediss://` (Redis and Valkey), `postgres://`, `postgresql://`. */
  readonly url: string;
  /** Queues of several names lie side by side in one database. */
  readonly name: string;
}

/** Opens nothing yet. Throws a `DeepEarthError` for a URL of another kind, or where `pg` is missing. */
export async function queueBackend({ url, name }: QueuePlace): Promise<QueueBackend> {
  const place = parsed(url);
  const bullmq = await import('bullmq');
  if (place.protocol === 'postgres:' || place.protocol === 'postgresql:') {
    await import('pg' as string).catch((cause: unknown) => {
      throw new DeepEarthError(`${shownUrl(place)}: a queue on PostgreSQL needs the package pg.`, {
        code: 'E_QUEUE_URL',
        remedy: 'Run "npm install pg" beside @deepearth/queue, or use Redis.',
        cause,
      });
    });
    const classes = bullmq.withBackend(bullmq.createPostgresBackend);
    const connection = { connectionString: url, migrate: true };
    return {
      shown: shownUrl(place),
      queue: () => new classes.Queue<JobData, unknown, JobName>(name, { connection }) as unknown as PipelineQueue,
      flows: () => new classes.FlowProducer({ connection }) as unknown as FlowProducer,
      worker: (process, options) =>
        new classes.Worker<JobData, unknown, JobName>(name, process as never, {
          ...options,
          connection,
        }) as unknown as PipelineWorker,
    };
  }
  // Commands fail after a while instead of waiting for ever; a worker waits for a server that comes back.
  const connection = { url, maxRetriesPerRequest: 3, connectTimeout: 5000 };
  return {
    shown: shownUrl(place),
    queue: () => new bullmq.Queue<JobData, unknown, JobName>(name, { connection }) as unknown as PipelineQueue,
    flows: () => new bullmq.FlowProducer({ connection }),
    worker: (process, options) =>
      new bullmq.Worker<JobData, unknown, JobName>(name, process, {
        ...options,
        connection: { ...connection, maxRetriesPerRequest: null },
      }),
  };
}

const kinds = ['redis:', 'rediss:', 'postgres:', 'postgresql:'];

function parsed(url: string): URL {
  const place = URL.canParse(url) ? new URL(url) : undefined;
  // `redis:6379` is a URL, too.
  const isPlace = place !== undefined && url.includes('//');
  if (isPlace && kinds.includes(place.protocol)) return place;
  throw new DeepEarthError(
    `${isPlace ? shownUrl(place) : JSON.stringify(url.replace(/^.*@/, '…@'))} is not the URL of a queue.`,
    {
      code: 'E_QUEUE_URL',
      remedy: 'Give one like redis://127.0.0.1:6379, rediss://HOST or postgres://HOST/DATABASE.',
    },
  );
}

/** A URL without what is secret in it. */
function shownUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}
