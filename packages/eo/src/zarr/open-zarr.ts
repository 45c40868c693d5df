// Opens a Zarr store: finds its arrays, by consolidated metadata or by looking into its folders.

import { stat } from 'node:fs/promises';
import { InputError, lineage, type Json } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import type { Attributes, Cube, CubeArray } from '../cube.ts';
import { sharedBuffers } from './buffer-pool.ts';
import { chunkCache } from './chunk-cache.ts';
import { fieldOf } from './data-type.ts';
import { folderStore } from './folder-store.ts';
import { metadataOf2, metadataOf3, type ArrayMetadata } from './metadata.ts';
import { zarrArray } from './zarr-array.ts';
import { isZip, noStore, zipStore } from './zip-store.ts';
import type { ZarrStore } from './store.ts';

/** How a store is opened. */
export interface ZarrOptions {
  /** Bytes of decoded chunks that are kept; 64 MiB unless told. */
  readonly cacheBytes?: number | undefined;
  /** Arrays to look for where the store can neither be listed nor has consolidated metadata (a plain web server). */
  readonly names?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file of metadata at most. */
const mostMetadataBytes = 2 ** 26;
/** Arrays of one store at most, and groups within groups. */
const mostArrays = 10_000;
const deepest = 16;

/** Opens a folder, a `.zip` file or an address. Throws an `InputError` that names what is wrong. */
export async function openZarr(path: string, options: ZarrOptions = {}): Promise<Cube> {
  const store = await openStore(path, options.signal);
  try {
    return await openZarrStore(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore(path: string, signal: AbortSignal | undefined): Promise<ZarrStore> {
  if (/^https?:\/\//i.test(path)) {
    const { httpStore } = await import('./http-store.ts');
    return httpStore(path, signal);
  }
  const found = await stat(path).catch((cause: unknown) => {
    throw new InputError(path, 'is not there.', { code: 'E_FILE_MISSING', remedy: 'Check the path.', cause });
  });
  if (found.isDirectory()) return folderStore(path);
  const source = await openFile(path);
  try {
    if (!(await isZip(source, signal))) throw noStore(path);
    return await zipStore(source, signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** What is known of a node before its chunks are looked at. */
interface Node {
  readonly format: 2 | 3;
  readonly attributes: Attributes;
  /** The metadata of an array; absent for a group. */
  readonly array?: ArrayMetadata;
}

/** Opens what a store holds. Closing the cube closes the store. */
export async function openZarrStore(store: ZarrStore, options: ZarrOptions = {}): Promise<Cube> {
  const { signal, cacheBytes = 64 * 2 ** 20, names = [] } = options;
  const room = { cache: chunkCache(cacheBytes), pool: sharedBuffers() };
  const read = (key: string): Promise<Json | undefined> => readJson(store, key, signal);
  const root = await rootOf(store, read);
  const arrays = new Map<string, CubeArray>();
  const damaged = new Map<string, Error>();
  const digests: [string, unknown][] = [['', root.json]];
  const metadata = new Map<string, ArrayMetadata>();
  const add = (name: string, { array }: Node, json: unknown): void => {
    if (!array) return;
    digests.push([name, json]);
    metadata.set(name, array);
    arrays.set(name, zarrArray(store, name, array, room));
    if (arrays.size > mostArrays)
      throw new InputError(store.name, `holds more than ${mostArrays} arrays.`, { code: 'E_EXCESSIVE' });
  };
  /** What is damaged is kept by name, so that everything else can be read. */
  const attempt = async (name: string, work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof InputError) || error.code === 'E_EXCESSIVE') throw error;
      damaged.set(name, error);
    }
  };

  if (root.node.array) add('', root.node, root.json);
  else if (root.consolidated)
    for (const [name, json] of root.consolidated) await attempt(name, () => add(name, nodeOf(store, name, json), json));
  else {
    const node = async (path: string): Promise<Node | undefined> => {
      const json = await nodeJson(root.node.format, path, read);
      if (!json) return undefined;
      const found = nodeOf(store, path, json);
      add(path, found, json);
      return found;
    };
    const look = async (prefix: string, depth: number): Promise<void> => {
      for (const name of (await store.list(prefix, signal)) ?? []) {
        if (/^(?:zarr\.json|\.z[a-z]+)$/.test(name)) continue;
        await attempt(prefix + name, async () => {
          const found = await node(prefix + name);
          if (found && !found.array && depth < deepest) await look(`${prefix}${name}/`, depth + 1);
        });
      }
    };
    /** Where nothing can be listed: what is named, and the coordinates that it names. */
    const lookFor = async (paths: readonly string[]): Promise<void> => {
      for (const path of paths)
        await attempt(path, async () => {
          const array = (await node(path))?.array;
          if (!array) return;
          const group = path.slice(0, path.lastIndexOf('/') + 1);
          const mapping = String(array.attributes['grid_mapping'] ?? 'spatial_ref').split(/[:\s]/)[0]!;
          for (const name of [...(array.axes ?? []), mapping])
            if (!metadata.has(group + name)) await attempt(group + name, async () => void (await node(group + name)));
        });
    };
    if (await store.list('', signal)) await look('', 0);
    else if (names.length) await lookFor(names);
    else
      throw new InputError(
        store.name,
        'has no consolidated metadata, and a server does not say what lies in its folders.',
        {
          code: 'E_ZARR_METADATA',
          remedy: 'Name the `variable`, or consolidate the metadata: zarr.consolidate_metadata(store) in Python.',
        },
      );
  }
  return {
    kind: 'zarr',
    name: store.name,
    attributes: root.node.attributes,
    arrays: new Map([...arrays].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
    damaged,
    about: {
      zarr_format: root.node.format,
      consolidated: root.consolidated !== undefined,
    },
    version: lineage('zarr', ...digests.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
    sizes: (abort) => store.sizes(abort),
    close: () => store.close(),
  };
}

/** JSON of format 2 as one object: `.zarray` or `.zgroup`, and `.zattrs` beside it. */
type NodeJson =
  | { readonly format: 3; readonly json: Json }
  | { readonly format: 2; readonly array: Json | undefined; readonly attributes: Json | undefined };

function nodeOf(store: ZarrStore, name: string, node: NodeJson): Node {
  const at = (file: string): string => `${store.name}: ${name ? `${name}/` : ''}${file}`;
  if (node.format === 2) {
    const array = node.array === undefined ? undefined : metadataOf2(at('.zarray'), node.array, node.attributes);
    return { format: 2, attributes: array?.attributes ?? objectOf(node.attributes), ...(array && { array }) };
  }
  const kind = fieldOf(node.json, 'node_type');
  if (fieldOf(node.json, 'zarr_format') !== 3 || (kind !== 'array' && kind !== 'group'))
    throw new InputError(at('zarr.json'), 'is neither an array nor a group of Zarr format 3.', {
      code: 'E_ZARR_METADATA',
    });
  const array = kind === 'array' ? metadataOf3(at('zarr.json'), node.json) : undefined;
  return {
    format: 3,
    attributes: array?.attributes ?? objectOf(fieldOf(node.json, 'attributes')),
    ...(array && { array }),
  };
}

const objectOf = (value: Json | undefined): Attributes =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Attributes) : {};

type Read = (key: string) => Promise<Json | undefined>;

async function nodeJson(format: 2 | 3, path: string, read: Read): Promise<NodeJson | undefined> {
  const prefix = path ? `${path}/` : '';
  if (format === 3) {
    const json = await read(`${prefix}zarr.json`);
    return json === undefined ? undefined : { format, json };
  }
  const array = await read(`${prefix}.zarray`);
  if (array === undefined && (await read(`${prefix}.zgroup`)) === undefined) return undefined;
  return { format, array, attributes: await read(`${prefix}.zattrs`) };
}

interface Root {
  readonly node: Node;
  readonly json: unknown;
  /** Every node below the root, by name, where the metadata are consolidated. */
  readonly consolidated?: ReadonlyMap<string, NodeJson>;
}

async function rootOf(store: ZarrStore, read: Read): Promise<Root> {
  const three = await nodeJson(3, '', read);
  if (three?.format === 3) {
    const all = fieldOf(fieldOf(three.json, 'consolidated_metadata'), 'metadata');
    const consolidated =
      all !== null && typeof all === 'object' && !Array.isArray(all)
        ? new Map(Object.entries(all).map(([name, json]) => [name, { format: 3, json: json as Json }] as const))
        : undefined;
    return { node: nodeOf(store, '', three), json: three.json, ...(consolidated && { consolidated }) };
  }
  const all = fieldOf(await read('.zmetadata'), 'metadata');
  if (all !== null && typeof all === 'object' && !Array.isArray(all)) {
    const files = all as { readonly [key: string]: Json };
    const consolidated = new Map<string, NodeJson>();
    for (const key of Object.keys(files)) {
      const name = /^(.+)\/\.zarray$/.exec(key)?.[1];
      if (name !== undefined)
        consolidated.set(name, { format: 2, array: files[key], attributes: files[`${name}/.zattrs`] });
    }
    const node = nodeOf(store, '', { format: 2, array: files['.zarray'], attributes: files['.zattrs'] });
    return { node, json: files, consolidated };
  }
  const two = await nodeJson(2, '', read);
  if (two) return { node: nodeOf(store, '', two), json: two };
  throw new InputError(store.name, 'is no Zarr store: it has no zarr.json, .zmetadata, .zgroup or .zarray.', {
    code: 'E_NOT_ZARR',
    remedy: 'Name the folder that holds one of them.',
  });
}

async function readJson(store: ZarrStore, key: string, signal: AbortSignal | undefined): Promise<Json | undefined> {
  const bytes = await store.get(key, undefined, signal);
  if (!bytes) return undefined;
  const refuse = (message: string, cause?: unknown): never => {
    throw new InputError(`${store.name}: ${key}`, `${message}.`, {
      code: 'E_ZARR_METADATA',
      remedy: 'Write it again, or copy it from where the store came from; other arrays of the store can still be read.',
      cause,
    });
  };
  if (bytes.length > mostMetadataBytes)
    return refuse(`has ${bytes.length} bytes, metadata have at most ${mostMetadataBytes}`);
  try {
    return JSON.parse(exactNumbers(new TextDecoder().decode(bytes))) as Json;
  } catch (cause) {
    return refuse(`is no JSON: ${(cause as Error).message}`, cause);
  }
}

/**
 * Makes JSON of what Python writes: NaN and infinities become text, as format 3 has them, and whole numbers that a
 * number cannot hold (a fill value of int64) too.
 */
export const exactNumbers = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || (!/^-?\d{16,}$/.test(token) && Number.isFinite(Number(token))) ? token : `"${token}"`,
  );
