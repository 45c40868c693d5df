// Reads the items of STAC documents: of items, of collections of items as a search returns them, and of catalogs with
// all below.

import { InputError } from '@deepearth/core';
import { createSha256 } from '@deepearth/core/sha256';
import type { InputFile } from '@deepearth/core';
import { isHttp, type HttpOptions } from '../http-source.ts';
import { isObject, notStac, parseDocument, readDocument, resolveHref, type JsonObject } from './document.ts';
import { parseItem, type StacItem } from './item.ts';

/** What documents hold. */
export interface StacItems {
  /** Each item once, in the order of the documents. */
  readonly items: readonly StacItem[];
  /** The documents on disk. */
  readonly inputs: readonly InputFile[];
  readonly warnings: readonly string[];
  /** Of the first document: "ItemCollection", "Item", "Catalog", "Collection". */
  readonly kind: string;
  /** Of the first document, where it says so. */
  readonly version: string | undefined;
}

/** Documents of one catalog; more are refused. */
const mostDocuments = 200_000;
/** Documents that are read at a time. */
const atOnce = 8;

/**
 * Reads all documents, and those that catalogs and collections link to as `item` and `child` (or `items`, where there
 * are no others). Throws an `InputError`: E_STAC for what is no STAC, and what reading throws.
 */
export async function readItems(paths: readonly string[], options: HttpOptions): Promise<StacItems> {
  const items = new Map<string, StacItem>();
  const inputs: InputFile[] = [];
  const warnings: string[] = [];
  const seen = new Set(paths);
  let repeated = 0;
  let first: Pick<StacItems, 'kind' | 'version'> | undefined;

  const take = (item: StacItem): void => {
    const key = JSON.stringify([item.collection ?? null, item.id]);
    if (items.has(key)) repeated++;
    else items.set(key, item);
  };

  let documents = [...paths];
  while (documents.length) {
    const next: string[] = [];
    for (let i = 0; i < documents.length; i += atOnce) {
      options.signal?.throwIfAborted();
      const group = documents.slice(i, i + atOnce);
      const read = await Promise.all(group.map((uri) => readDocument(uri, options)));
      for (const [at, uri] of group.entries()) {
        const bytes = read[at]!;
        if (!isHttp(uri)) {
          const hash = createSha256();
          hash.update(bytes);
          inputs.push({ path: uri, bytes: bytes.length, sha256: hash.digest('hex') });
        }
        const document = parseDocument(bytes, uri);
        const found = contentOf(document, uri);
        first ??= { kind: found.kind, version: textOf(document['stac_version']) };
        for (const each of found.items) take(parseItem(each, uri));
        warnings.push(...found.warnings);
        for (const href of found.links) {
          const linked = await resolveHref(uri, href);
          if (seen.has(linked)) continue;
          if (seen.size >= mostDocuments)
            throw new InputError(paths[0]!, `links to more than ${mostDocuments} documents.`, {
              code: 'E_EXCESSIVE',
              remedy: 'Name a part of the catalog.',
            });
          seen.add(linked);
          next.push(linked);
        }
      }
    }
    documents = next;
  }
  if (repeated) warnings.push(`${repeated} ${repeated === 1 ? 'item comes' : 'items come'} twice, and once counts`);
  return { items: [...items.values()], inputs, warnings, ...first! };
}

interface Content {
  readonly kind: string;
  readonly items: readonly unknown[];
  readonly links: readonly string[];
  readonly warnings: readonly string[];
}

function contentOf(document: JsonObject, uri: string): Content {
  const { type } = document;
  const none = { items: [], links: [], warnings: [] };
  if (type === 'Feature') return { ...none, kind: 'Item', items: [document] };
  if (type === 'FeatureCollection') {
    const { features } = document;
    if (!Array.isArray(features)) throw notStac(uri, 'is a FeatureCollection without features.');
    return { ...none, kind: 'ItemCollection', items: features, warnings: pageWarning(document, uri, features.length) };
  }
  // Catalogs of STAC before 1.0 say no type.
  if ((type === 'Catalog' || type === 'Collection' || type === undefined) && document['stac_version'] !== undefined) {
    const links = [...linksOf(document, 'item'), ...linksOf(document, 'child')];
    return {
      ...none,
      kind: type ?? (document['extent'] === undefined ? 'Catalog' : 'Collection'),
      links: links.length ? links : linksOf(document, 'items'),
    };
  }
  const what = typeof type === 'string' ? `is of the type ${JSON.stringify(type.slice(0, 40))}` : 'has no type';
  throw notStac(uri, `is JSON, but no STAC: it ${what} and has no version of STAC.`);
}

/** A search that was saved may be one page of several. */
function pageWarning(document: JsonObject, uri: string, count: number): string[] {
  const matched = document['numberMatched'] ?? (document['context'] as JsonObject | undefined)?.['matched'];
  const total = typeof matched === 'number' && matched > count ? ` of ${matched}` : '';
  const link = linksOf(document, 'next').length > 0;
  if (!link && !total) return [];
  return [
    `${uri} is one page of a search: it has ${count}${total} items${link ? ', and a link to the next, which is not followed' : ''}`,
  ];
}

function linksOf({ links }: JsonObject, rel: string): string[] {
  if (!Array.isArray(links)) return [];
  return links.flatMap((link) =>
    isObject(link) && link['rel'] === rel && typeof link['href'] === 'string' ? [link['href']] : [],
  );
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
