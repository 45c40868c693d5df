// What is read of the XML that S3 returns: texts of elements that hold nothing else.

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) =>
    name === undefined ? String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)) : (entities[name] ?? all),
  );

/** The texts of all elements of a name, in their order. */
export const textsOf = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text]) => unescaped(text!));

/** What stands in all elements of a name, as it stands there. */
export const elementsOf = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, inside]) => inside!);

/** Text as it stands in an element. */
export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => `&${Object.keys(entities).find((name) => entities[name] === char)!};`);
