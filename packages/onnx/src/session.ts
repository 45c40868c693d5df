// Runs an ONNX model in a process of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { builtUrl } from '@deepearth/core/built-url';
import { DeepEarthError } from '@deepearth/core/errors';
import { noTelemetry } from '@deepearth/core/no-telemetry';
import { tensor } from '@deepearth/core/tensor';
import {
  encodeMessage,
  messageReader,
  type Answer,
  type Message,
  type Question,
  type SessionSetup,
  type Tensors,
} from './session-protocol.ts';

export type { Tensors } from './session-protocol.ts';

/** The model of a session and how ONNX Runtime runs it. */
export interface SessionOptions {
  /** The model file's bytes. */
  readonly model: Uint8Array;
  /** Absolute folder in which its external weights lie. */
  readonly folder: string;
  /** Execution providers, the first that can is used; `['cpu']` by default. */
  readonly providers?: SessionSetup['providers'];
  /** Threads of one run; all cores by default, and never more. */
  readonly threads?: number | undefined;
  readonly entries?: Readonly<Record<string, string>>;
  /** Prefix of a file for ONNX Runtime's profile. */
  readonly profile?: string | undefined;
  /** Environment variables to set beside the inherited ones: `CUDA_VISIBLE_DEVICES`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A model in its own process. */
export interface Session {
  /** The process's number. */
  readonly pid: number;
  /** False once the process has ended, for whatever reason. */
  readonly alive: boolean;
  /**
   * Runs the model. Calls wait for one another. When `signal` aborts, the process is killed and the session is over.
   * Rejects with a `DeepEarthError` that says why when the process dies.
   */
  run(feeds: Tensors, signal?: AbortSignal): Promise<Tensors>;
  /** Ends the process; safe to call twice. */
  close(): Promise<void>;
}

interface Waiting {
  resolve(message: Message<Answer>): void;
  reject(error: unknown): void;
}

/** How much of what the process said on its error output is kept for messages. */
const keptText = 2000;
/** A process that was asked to end is killed after this long. */
const patienceMs = 2000;

/**
 * Starts a process, opens the model in it and returns when it is ready. Throws a `DeepEarthError` when the model cannot
 * be opened.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { model, folder, providers = ['cpu'], entries = {}, profile, environment, signal } = options;
  signal?.throwIfAborted();
  const threads = Math.min(options.threads ?? availableParallelism(), availableParallelism());
  const child = spawn(process.execPath, [fileURLToPath(builtUrl('./session-child.js', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...noTelemetry, ...process.env, ...environment },
    windowsHide: true,
  });
  const link = connect(child);
  const session: Session = {
    pid: child.pid ?? 0,
    get alive() {
      return link.alive();
    },
    run: async (feeds, abort) => (await link.ask({ ask: 'run' }, feeds, abort)).tensors,
    close: () => link.end(),
  };
  try {
    await link.ask(
      { ask: 'open', setup: { providers, threads, folder, entries, profile } },
      { model: tensor('uint8', [model.byteLength], model) },
      signal,
    );
    return session;
  } catch (error) {
    link.kill();
    throw error;
  }
}

function connect(child: ChildProcess) {
  const to = child.stdio[3] as Writable;
  const from = child.stdio[4] as Readable;
  const waiting: Waiting[] = [];
  let said = '';
  let over: DeepEarthError | undefined;
  let last = Promise.resolve();

  // An idle session does not keep the program running; one that works does.
  const hold = (on: boolean): void => {
    for (const handle of [child, to, from, child.stderr] as unknown as { ref(): void; unref(): void }[])
      handle[on ? 'ref' : 'unref']();
  };
  const gone = (error: DeepEarthError): void => {
    over ??= error;
    for (const { reject } of waiting.splice(0)) reject(over);
  };
  child.stderr!.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-keptText)));
  child.on('error', (cause) =>
    gone(
      new DeepEarthError(`the model's process could not be started: ${cause.message}`, {
        code: 'E_SESSION_START',
        cause,
      }),
    ),
  );
  const ended = new Promise<void>((resolve) =>
    child.on('close', (code, signal) => {
      gone(died(code, signal, said));
      resolve();
    }),
  );
  // A broken pipe is how a death is seen first; its reason comes with 'close'.
  to.on('error', () => undefined);
  from.on('error', () => undefined);
  from.on(
    'data',
    messageReader<Answer>((message) => {
      const next = waiting.shift();
      if (waiting.length === 0) hold(false);
      next?.resolve(message);
    }),
  );
  hold(false);

  async function ask(question: Question, tensors: Tensors, signal?: AbortSignal): Promise<Message<Answer>> {
    const turn = last;
    let done!: () => void;
    last = new Promise((resolve) => (done = resolve));
    try {
      await turn;
      signal?.throwIfAborted();
      if (over) throw over;
      const answer = await new Promise<Message<Answer>>((resolve, reject) => {
        const abort = (): void => {
          child.kill('SIGKILL');
          reject(signal!.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        const settled =
          <T>(then: (value: T) => void) =>
          (value: T): void => {
            signal?.removeEventListener('abort', abort);
            then(value);
          };
        waiting.push({ resolve: settled(resolve), reject: settled(reject) });
        hold(true);
        for (const piece of encodeMessage({ content: question, tensors })) to.write(piece);
      });
      if ('failed' in answer.content) throw new DeepEarthError(answer.content.failed, { code: 'E_ONNX_RUNTIME' });
      return answer;
    } finally {
      done();
    }
  }

  return {
    ask,
    alive: () => over === undefined && child.exitCode === null && child.signalCode === null,
    kill: () => void child.kill('SIGKILL'),
    async end() {
      if (over === undefined) {
        over = new DeepEarthError('the session was closed', { code: 'E_DISPOSED' });
        to.end();
        hold(true);
        const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
        await ended;
        clearTimeout(timer);
      } else await ended;
    },
  };
}

function died(code: number | null, signal: string | null, said: string): DeepEarthError {
  const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
  const remedy =
    signal === 'SIGKILL'
      ? 'Unless it was stopped by hand, the system ran out of memory: use a smaller clip, batch or model, or int8.'
      : undefined;
  const last = said.trim();
  return new DeepEarthError(
    `the model's process ${how}${last ? `; its last words: ${last}` : ''}${remedy ? `. ${remedy}` : ''}`,
    { code: 'E_SESSION_ENDED', remedy },
  );
}
