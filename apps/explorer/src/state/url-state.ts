// What the address says: where one looks, and what was picked. `#s=0&f=12&p=3.2.5.6&n=3.2.7.7.9.9&layer=pca`.

import type { Pick } from './picks.ts';

/** What survives a reload and can be sent to others. */
export interface UrlState {
  readonly sequence: number;
  readonly frame: number;
  readonly picks: readonly Pick[];
  readonly layer: string;
  readonly opacity: number;
  readonly colorMap: string;
  readonly clusters: number;
  readonly view: string;
}

const textOf = ({ clip, step, top, left, bottom, right }: Pick): string =>
  [clip, step, top, left, ...(top === bottom && left === right ? [] : [bottom, right])].join('.');

function pickOf(text: string, sign: 1 | -1): Pick[] {
  const numbers = text.split('.').map(Number);
  if (![4, 6].includes(numbers.length) || !numbers.every((number) => Number.isInteger(number) && number >= 0))
    return [];
  const [clip, step, top, left, bottom = top, right = left] = numbers as [
    number,
    number,
    number,
    number,
    number?,
    number?,
  ];
  return [{ sign, clip, step, top, left, bottom: bottom!, right: right! }];
}

/** The part of an address behind `#`, of what differs from `usual`. */
export function toHash(state: UrlState, usual: UrlState): string {
  const parts: [string, string][] = [];
  const of = (sign: 1 | -1): string =>
    state.picks
      .filter((pick) => pick.sign === sign)
      .map(textOf)
      .join(',');
  if (state.sequence !== usual.sequence) parts.push(['s', String(state.sequence)]);
  if (state.frame !== usual.frame) parts.push(['f', String(state.frame)]);
  if (of(1)) parts.push(['p', of(1)]);
  if (of(-1)) parts.push(['n', of(-1)]);
  if (state.layer !== usual.layer) parts.push(['layer', encodeURIComponent(state.layer)]);
  if (state.opacity !== usual.opacity) parts.push(['opacity', String(Math.round(state.opacity * 100))]);
  if (state.colorMap !== usual.colorMap) parts.push(['map', state.colorMap]);
  if (state.clusters !== usual.clusters) parts.push(['k', String(state.clusters)]);
  if (state.view !== usual.view) parts.push(['view', state.view]);
  return parts.map((part) => part.join('=')).join('&');
}

/** The state that an address names; what it does not say, or says wrongly, is as `usual`. */
export function fromHash(hash: string, usual: UrlState): UrlState {
  const said = new Map<string, string | undefined>(
    hash
      .replace(/^#/, '')
      .split('&')
      .map((part) => {
        const [name = '', value] = part.split('=');
        return [name, value];
      }),
  );
  const whole = (name: string, or: number): number => {
    const text = said.get(name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : or;
  };
  const picks = (name: string, sign: 1 | -1): Pick[] =>
    (said.get(name) ?? '').split(',').flatMap((text) => pickOf(text, sign));
  return {
    sequence: whole('s', usual.sequence),
    frame: whole('f', usual.frame),
    picks: [...picks('p', 1), ...picks('n', -1)],
    layer: decoded(said.get('layer')) ?? usual.layer,
    opacity: Math.min(1, whole('opacity', usual.opacity * 100) / 100),
    colorMap: said.get('map') ?? usual.colorMap,
    clusters: whole('k', usual.clusters),
    view: said.get('view') ?? usual.view,
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
