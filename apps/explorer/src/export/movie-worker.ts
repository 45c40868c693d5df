// Encodes a film beside the page.

import { movieEncoder, type MovieEncoder } from './movie-encoders.ts';
import type { MovieReply, MovieRequest } from './movie-protocol.ts';

const scope = self as unknown as {
  onmessage: (event: MessageEvent<MovieRequest>) => void;
  postMessage(reply: MovieReply): void;
};

let encoder: MovieEncoder | undefined;

async function handle(request: MovieRequest): Promise<MovieReply> {
  if ('open' in request) {
    encoder = await movieEncoder(request.open);
    return { done: true, encoder: encoder.name };
  }
  if ('end' in request) return { file: await encoder!.end() };
  await encoder!.add(request.pixels);
  return { done: true };
}

scope.onmessage = ({ data }) => {
  handle(data).then(
    (reply) => scope.postMessage(reply),
    (error: unknown) => scope.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
};
