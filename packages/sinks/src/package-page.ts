// The page of a package: a run's videos, animations and pictures with captions, in a browser, without a server.

import type { ManifestSoFar } from '@deepearth/core';
import { described, headOf } from './summary.ts';
import type { Placed } from './placed.ts';

/** Pictures of one layer, of which some are shown. */
export interface PictureGroup {
  readonly title: string;
  /** At most 120, evenly spread, in the order of their paths. */
  readonly shown: readonly Placed[];
  readonly count: number;
}

/** What a package has to show. */
export interface Shown {
  readonly videos: readonly Placed[];
  readonly animations: readonly Placed[];
  readonly groups: readonly PictureGroup[];
  /** Files that are neither, as far as they are listed. */
  readonly others: readonly Placed[];
  readonly otherCount: number;
}

/** Pictures of a layer that are shown; more would make the page slow and nobody look. */
const mostShown = 120;
/** Layers, videos and other files that are listed. */
const mostListed = 200;

const isVideo = ({ mediaType }: Placed): boolean => mediaType.startsWith('video/');
const isAnimation = ({ mediaType, about }: Placed): boolean =>
  mediaType === 'image/gif' || (isPicture(mediaType) && (about?.frames?.length ?? 0) > 1);
/** What browsers draw. */
export const isPicture = (mediaType: string): boolean => /^image\/(png|apng|jpeg|webp|gif|svg\+xml)$/.test(mediaType);

const groupOf = ({ about, path }: Placed): string => {
  const title = about?.layer ?? path.split('/').slice(0, -1).join('/');
  return [title || 'pictures', ...(about?.sequence === undefined ? [] : [about.sequence])].join(', ');
};

/**
 * Picks what the page shows. The files are gone through twice: how many a layer has decides which of them are shown.
 */
export async function shownOf(files: () => AsyncIterable<Placed>): Promise<Shown> {
  const counts = new Map<string, number>();
  for await (const file of files())
    if (isPicture(file.mediaType) && !isAnimation(file))
      counts.set(groupOf(file), (counts.get(groupOf(file)) ?? 0) + 1);
  const [videos, animations, others]: [Placed[], Placed[], Placed[]] = [[], [], []];
  const groups = new Map<string, { shown: Placed[]; seen: number }>();
  let otherCount = 0;
  const list = (into: Placed[], file: Placed): void => {
    if (into.length < mostListed) into.push(file);
    else otherCount++;
  };
  for await (const file of files()) {
    if (isVideo(file)) list(videos, file);
    else if (isAnimation(file)) list(animations, file);
    else if (!isPicture(file.mediaType)) {
      otherCount++;
      if (others.length < mostListed) others.push(file);
    } else {
      const title = groupOf(file);
      const group = groups.get(title) ?? { shown: [], seen: 0 };
      groups.set(title, group);
      const step = Math.max(1, counts.get(title)! / mostShown);
      if (Math.floor(group.seen / step) !== Math.floor((group.seen - 1) / step)) group.shown.push(file);
      group.seen++;
    }
  }
  return {
    videos,
    animations,
    groups: [...groups].map(([title, { shown, seen }]) => ({ title, shown, count: seen })),
    others,
    otherCount,
  };
}

/** Whether there is anything to look at. */
export const hasPictures = ({ videos, animations, groups }: Shown): boolean =>
  videos.length + animations.length + groups.length > 0;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
/** A path as a link of the page, which lies at the root of the package. */
const link = (path: string): string => escaped(path.split('/').map(encodeURIComponent).join('/'));

const style = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { margin-bottom: 0; }
h2 { margin-top: 2.5rem; }
figure { margin: 0; }
figcaption { font-size: 13px; opacity: 0.75; overflow-wrap: anywhere; }
.large { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.small { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
img, video { display: block; height: auto; max-width: 100%; }
.small img { width: 100%; }
table { border-collapse: collapse; }
td { padding: 0.1rem 1rem 0.1rem 0; }
td:last-child { text-align: right; white-space: nowrap; }
`.trim();

const sizeText = (bytes: number): string =>
  bytes < 1e6
    ? `${Math.ceil(bytes / 1e3)} KB`
    : bytes < 1e9
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${(bytes / 1e9).toFixed(2)} GB`;

const captionOf = ({ path, about }: Placed): string => (about ? described(about) : path);

/** "frame 12", or the name of a picture that tells of no frame. */
const shortCaption = ({ path, about }: Placed): string =>
  about?.frames?.length === 1 ? `frame ${about.frames[0]}` : path.split('/').at(-1)!;

/**
 * The page as HTML. It loads nothing from elsewhere: links are relative, style is in it, and there is no script.
 * `thumbnails` are the paths of small pictures by those of the pictures.
 */
export function pageOf(
  manifest: ManifestSoFar,
  { videos, animations, groups, others, otherCount }: Shown,
  thumbnails: ReadonlyMap<string, string>,
  beside: readonly string[],
): string {
  const figure = (media: string, caption: string): string =>
    `<figure>${media}<figcaption>${escaped(caption)}</figcaption></figure>`;
  const section = (title: string, kind: 'large' | 'small', figures: readonly string[], note = ''): string[] =>
    figures.length
      ? [
          `<h2>${escaped(title)}</h2>`,
          ...(note ? [`<p>${escaped(note)}</p>`] : []),
          `<div class="${kind}">`,
          ...figures,
          '</div>',
        ]
      : [];
  const video = (file: Placed): string =>
    figure(
      `<video src="${link(file.path)}" controls loop muted playsinline preload="metadata"></video>`,
      `${captionOf(file)}, ${sizeText(file.bytes)}`,
    );
  const animation = (file: Placed): string =>
    figure(
      `<a href="${link(file.path)}"><img src="${link(file.path)}" alt="${escaped(captionOf(file))}" loading="lazy"></a>`,
      `${captionOf(file)}, ${sizeText(file.bytes)}`,
    );
  const picture = (file: Placed): string =>
    figure(
      `<a href="${link(file.path)}"><img src="${link(thumbnails.get(file.path) ?? file.path)}" alt="${escaped(captionOf(file))}" loading="lazy"></a>`,
      shortCaption(file),
    );
  const { title, about } = headOf(manifest);
  const rest = otherCount - others.length;
  return `${[
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    `<h1>${escaped(title)}</h1>`,
    `<p>${escaped(about)} ${beside.map((name) => `<a href="${link(name)}">${escaped(name)}</a>`).join(' ')}</p>`,
    ...section('Videos', 'large', videos.map(video)),
    ...section('Animations', 'large', animations.map(animation)),
    ...groups.flatMap(({ title: name, shown, count }) =>
      section(
        name,
        'small',
        shown.map(picture),
        shown.length < count ? `${shown.length} of ${count} pictures; the others lie beside them.` : '',
      ),
    ),
    ...(others.length
      ? [
          '<h2>Files</h2>',
          '<table>',
          ...others.map(
            (file) =>
              `<tr><td><a href="${link(file.path)}">${escaped(file.path)}</a></td><td>${sizeText(file.bytes)}</td></tr>`,
          ),
          '</table>',
        ]
      : []),
    ...(rest > 0 ? [`<p>And ${rest} more.</p>`] : []),
    '</body>',
    '</html>',
  ].join('\n')}\n`;
}
