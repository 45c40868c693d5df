// The program of a session's own process: opens one model and runs it as it is told (see session-protocol.ts).
//
// A process, because ONNX Runtime blocks the thread that runs it, ending a worker thread in the middle of a run aborts
// the whole program, and two WebGPU sessions in one process crash it.

import { Socket } from 'node:net';
import { bytesOf, tensor, viewAs, type DType, type Tensor } from '@deepearth/core/tensor';
import type * as Ort from 'onnxruntime-node';
import {
  encodeMessage,
  messageReader,
  type Answer,
  type Message,
  type Question,
  type SessionSetup,
  type Tensors,
} from './session-protocol.ts';

const from = new Socket({ fd: 3, readable: true, writable: false });
const to = new Socket({ fd: 4, readable: false, writable: true });

let ort: typeof Ort;
let session: Ort.InferenceSession | undefined;

async function open(setup: SessionSetup, model: Uint8Array): Promise<Tensors> {
  ort = await import('onnxruntime-node');
  session = await ort.InferenceSession.create(model, {
    executionProviders: setup.providers as Ort.InferenceSession.ExecutionProviderConfig[],
    intraOpNumThreads: setup.threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Threads that wait sleep: operators take milliseconds here, and the machine may have other work.
    // A model that is given as bytes has no folder of its own to find its weights in.
    extra: nested({
      'session.intra_op.allow_spinning': '0',
      ...setup.entries,
      'session.model_external_initializers_file_folder_path': setup.folder,
    }),
    ...(setup.profile && { enableProfiling: true, profileFilePrefix: setup.profile }),
  });
  return {};
}

/** `session.disable_prepacking` as onnxruntime-node takes it: `{ session: { disable_prepacking } }`. */
function nested(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(entries)) {
    const names = path.split('.');
    let at = root;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    at[names.at(-1)!] = value;
  }
  return root;
}

async function run(feeds: Tensors): Promise<Tensors> {
  if (!session) throw new Error('no model is open');
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]) => [
      name,
      new ort.Tensor(dtype as 'float32', data as Float32Array, shape),
    ]),
  );
  const outputs = await session.run(inputs);
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, toTensor(value)]));
}

function toTensor(value: Ort.Tensor): Tensor {
  const dtype = value.type as DType;
  const data = value.data as unknown as Uint8Array;
  return tensor(dtype, value.dims, viewAs(dtype, bytesOf({ dtype: 'uint8', shape: [data.length], data })));
}

async function end(): Promise<never> {
  await session?.release();
  process.exit(0);
}

const steps: { [K in Question['ask']]: (question: Question, tensors: Tensors) => Promise<Tensors> } = {
  open: (question, { model }) => open((question as Question & { ask: 'open' }).setup, model!.data as Uint8Array),
  run: (_, feeds) => run(feeds),
  end,
};

async function answer({ content, tensors }: Message<Question>): Promise<void> {
  let reply: Message<Answer>;
  try {
    reply = { content: { done: true }, tensors: await steps[content.ask](content, tensors) };
  } catch (error) {
    reply = { content: { failed: error instanceof Error ? error.message : String(error) }, tensors: {} };
  }
  for (const piece of encodeMessage(reply)) to.write(piece);
}

let queue = Promise.resolve();
from.on(
  'data',
  messageReader<Question>((message) => void (queue = queue.then(() => answer(message)))),
);
// The parent has ended or closed the session, and expects no reply.
from.on('close', () => void queue.then(end, end));
to.on('error', () => process.exit(0));
