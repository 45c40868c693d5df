// What the parent process and a session's process say to each other: messages with tensors behind them, over two pipes.
//
// A message is a 4-byte length (little-endian), that many bytes of JSON, and the bytes of its tensors one after
// another. The parent asks with `open` once and then `run`; each question has one reply, in order.

import { elementBytes, elementCount, viewAs, bytesOf, type DType, type Tensor } from '@deepearth/core/tensor';

/** Inputs or outputs of a graph by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** How ONNX Runtime is to be set up. */
export interface SessionSetup {
  /** Names of execution providers with their options, as onnxruntime-node takes them. */
  readonly providers: readonly (string | Readonly<Record<string, string | number>>)[];
  readonly threads: number;
  /** Folder in which the model's external weights lie. */
  readonly folder: string;
  /** Entries of the session's configuration: `session.disable_prepacking`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Where ONNX Runtime writes its profile, when it is to. */
  readonly profile?: string | undefined;
}

export type Question =
  { readonly ask: 'open'; readonly setup: SessionSetup } | { readonly ask: 'run' } | { readonly ask: 'end' };
export type Answer = { readonly done: true } | { readonly failed: string };

interface Head {
  readonly content: unknown;
  readonly tensors: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[];
}

export interface Message<Content> {
  readonly content: Content;
  readonly tensors: Tensors;
}

const text = new TextEncoder();

/** The pieces of a message; tensors are not copied. */
export function encodeMessage<Content>({ content, tensors }: Message<Content>): Uint8Array[] {
  const entries = Object.entries(tensors);
  const head: Head = { content, tensors: entries.map(([name, { dtype, shape }]) => ({ name, dtype, shape })) };
  const json = text.encode(JSON.stringify(head));
  const prefix = new Uint8Array(4);
  new DataView(prefix.buffer).setUint32(0, json.byteLength, true);
  return [prefix, json, ...entries.map(([, values]) => bytesOf(values)).filter((bytes) => bytes.byteLength > 0)];
}

/** Takes pieces of a byte stream as they come and calls `deliver` for each whole message. */
export function messageReader<Content>(deliver: (message: Message<Content>) => void): (piece: Uint8Array) => void {
  let target = new Uint8Array(4);
  let filled = 0;
  let then: (bytes: Uint8Array) => void = onPrefix;

  function expect(bytes: number, next: (bytes: Uint8Array) => void): void {
    target = new Uint8Array(bytes);
    filled = 0;
    then = next;
    if (bytes === 0) then(target);
  }
  function onPrefix(bytes: Uint8Array): void {
    expect(new DataView(bytes.buffer).getUint32(0, true), onHead);
  }
  function onHead(bytes: Uint8Array): void {
    const head = JSON.parse(new TextDecoder().decode(bytes)) as Head;
    collect(head, 0, {});
  }
  function collect(head: Head, index: number, tensors: Record<string, Tensor>): void {
    const next = head.tensors[index];
    if (!next) {
      expect(4, onPrefix);
      return deliver({ content: head.content as Content, tensors });
    }
    expect(elementCount(next.shape) * elementBytes(next.dtype), (bytes) => {
      tensors[next.name] = { dtype: next.dtype, shape: next.shape, data: viewAs(next.dtype, bytes) };
      collect(head, index + 1, tensors);
    });
  }

  return (piece) => {
    for (let at = 0; at < piece.byteLength;) {
      const taken = Math.min(target.byteLength - filled, piece.byteLength - at);
      target.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === target.byteLength) then(target);
    }
  };
}
