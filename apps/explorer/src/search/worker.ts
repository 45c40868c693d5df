// A worker that holds some of the chunks and searches them.

import { tokensPath } from '@deepearth/sinks/explorer/bundle-index';
import { tokenMemory, type TokenMemory } from './kernel.ts';
import type { FoundSteps, Reply, Request, SearchedClip } from './protocol.ts';

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(reply: Reply, transfer?: Transferable[]): void;
};

let url = '';
let size = 0;
let memory: TokenMemory;
let clips: readonly SearchedClip[] = [];
let tokensOfChunk: ReadonlyMap<number, number> = new Map();
/** Where the chunks that are there lie. */
const loaded = new Map<number, number>();
const underWay = new Map<number, Promise<void>>();

function load(chunk: number): Promise<void> {
  const known = underWay.get(chunk);
  if (known) return known;
  const loading = (async () => {
    loaded.set(chunk, await fetched(tokensPath(chunk), tokensOfChunk.get(chunk)! * size));
    scope.postMessage({ type: 'loaded', chunk });
  })();
  underWay.set(chunk, loading);
  // What failed may be asked for again.
  loading.catch(() => underWay.delete(chunk));
  return loading;
}

/** Fetches a file into memory as it comes, so that no second copy of it is there; returns where it is. */
async function fetched(path: string, bytes: number): Promise<number> {
  const response = await fetch(url + path);
  if (!response.ok || !response.body) throw new Error(`${path}: ${response.status}`);
  const reader = response.body.getReader();
  const start = memory.room(bytes);
  let there = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (there + value.length > bytes) throw new Error(`${path} has more than ${bytes} bytes`);
    memory.put(start + there, value);
    there += value.length;
  }
  if (there < bytes) throw new Error(`${path} has ${there} bytes of ${bytes}`);
  return start;
}

/** Loads chunks one after the other, in their order; what is asked for meanwhile comes between. */
async function loadAll(): Promise<void> {
  for (const chunk of tokensOfChunk.keys())
    await load(chunk).catch((error: unknown) => scope.postMessage({ type: 'failed', message: String(error) }));
}

const placeOf = ({ chunk, offset }: SearchedClip): number | undefined => {
  const start = loaded.get(chunk);
  return start === undefined ? undefined : start + offset * size;
};
const bytesOf = ({ grid: [time, height, width] }: SearchedClip): number => time * height * width * size;

function search(): FoundSteps {
  const there = clips.filter(({ chunk }) => loaded.has(chunk));
  const steps = there.reduce((sum, { grid }) => sum + grid[0], 0);
  const found = {
    step: new Uint32Array(steps),
    best: new Float32Array(steps),
    token: new Uint32Array(steps),
    sum: new Float64Array(steps),
    count: new Uint32Array(steps),
  };
  let row = 0;
  for (const clip of there) {
    const [time, height, width] = clip.grid;
    const cells = height * width;
    for (let step = 0; step < time; step++, row++) {
      const { best, token, sum, count } = memory.summarize(placeOf(clip)! + step * cells * size, cells);
      found.step[row] = clip.firstStep + step;
      found.best[row] = best;
      found.token[row] = token;
      found.sum[row] = sum;
      found.count[row] = count;
    }
  }
  return found;
}

/** Tokens at even distances, and for each the step and the cell that it stands in. */
function sample(stride: number): { tokens: Int8Array<ArrayBuffer>; places: Uint32Array } {
  const there = clips.filter((clip) => placeOf(clip) !== undefined);
  const rows = Math.ceil(there.reduce((sum, clip) => sum + bytesOf(clip) / size, 0) / stride);
  const tokens = new Int8Array(rows * size);
  const places = new Uint32Array(rows * 2);
  const all = memory.whole();
  let [row, seen] = [0, 0];
  for (const clip of there) {
    const start = placeOf(clip)!;
    const cells = clip.grid[1] * clip.grid[2];
    const count = clip.grid[0] * cells;
    for (let token = (stride - (seen % stride)) % stride; token < count; token += stride, row++) {
      // An array for each would be a million of them.
      for (let byte = 0; byte < size; byte++) tokens[row * size + byte] = all[start + token * size + byte]!;
      places[row * 2] = clip.firstStep + Math.floor(token / cells);
      places[row * 2 + 1] = token % cells;
    }
    seen += count;
  }
  return { tokens, places };
}

scope.onmessage = ({ data }) => {
  if (data.type === 'open') {
    ({ url, clips } = data);
    size = data.code.bytes;
    memory = tokenMemory(size);
    tokensOfChunk = new Map(data.chunks);
    void loadAll();
    return;
  }
  const { id } = data;
  const fail = (error: unknown): void => scope.postMessage({ type: 'failed', id, message: String(error) });
  if (data.type === 'tokens') {
    const clip = clips.find(({ index }) => index === data.clip)!;
    load(clip.chunk).then(() => {
      const tokens = new Int8Array(memory.take(placeOf(clip)!, bytesOf(clip)).buffer);
      scope.postMessage({ type: 'tokens', id, tokens }, [tokens.buffer]);
    }, fail);
  } else if (data.type === 'search') {
    memory.ask(data.weights, data.factor);
    scope.postMessage({ type: 'found', id, steps: search() });
  } else {
    const { tokens, places } = sample(data.stride);
    scope.postMessage({ type: 'sampled', id, tokens, places }, [tokens.buffer]);
  }
};
