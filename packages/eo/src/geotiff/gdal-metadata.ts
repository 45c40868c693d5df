// What GDAL keeps in a TIFF beside TIFF's own tags: names, scale, offset and units of bands, and tags of any name.

/** What is said of one band. */
export interface GdalBand {
  readonly description?: string;
  readonly scale?: number;
  readonly offset?: number;
  readonly unit?: string;
  readonly interpretation?: string;
}

/** The metadata of a file. */
export interface GdalMetadata {
  /** Of the file as a whole. */
  readonly tags: Readonly<Record<string, string>>;
  /** By position of the band. */
  readonly bands: readonly (GdalBand | undefined)[];
}

const roles: Readonly<Record<string, keyof GdalBand>> = {
  description: 'description',
  scale: 'scale',
  offset: 'offset',
  unittype: 'unit',
  colorinterp: 'interpretation',
};

/**
 * Reads the XML of tag 42112: `<Item name="SCALE" sample="0" role="scale">0.1</Item>`. What does not look like it is
 * passed by: it says nothing of the pixels.
 */
export function readGdalMetadata(xml: string): GdalMetadata {
  const tags: Record<string, string> = {};
  const bands: (Record<string, string | number> | undefined)[] = [];
  for (const [, attributes, text] of xml.matchAll(/<Item\b([^<>]*)>([^<>]*)<\/Item>/g)) {
    const attribute = (name: string): string | undefined => {
      const found = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes!)?.[1];
      return found === undefined ? undefined : unescaped(found);
    };
    const name = attribute('name');
    const sample = attribute('sample');
    if (name === undefined) continue;
    // GDAL writes marks twice over: "a &amp;amp; b".
    const value = unescaped(unescaped(text!.trim()));
    if (sample === undefined) {
      // Items of a domain are GDAL's own business (IMAGE_STRUCTURE and the like).
      if (attribute('domain') === undefined) tags[name] = value;
      continue;
    }
    const role = roles[attribute('role') ?? ''];
    const band = Number(sample);
    if (!role || !Number.isInteger(band) || band > 65_535) continue;
    const number = Number(value);
    if ((role === 'scale' || role === 'offset') && !Number.isFinite(number)) continue;
    (bands[band] ??= {})[role] = role === 'scale' || role === 'offset' ? number : value;
  }
  return { tags, bands };
}

/** Writes such XML, one item on each line, as GDAL does; `undefined` where there is nothing to say. */
export function writeGdalMetadata({ tags, bands }: GdalMetadata): string | undefined {
  const items = Object.entries(tags).map(
    ([name, value]) => `  <Item name="${escaped(name)}">${escaped(escaped(value))}</Item>`,
  );
  for (const [sample, band] of bands.entries()) {
    const item = (name: string, role: string, value: string | number | undefined): void => {
      if (value !== undefined)
        items.push(
          `  <Item name="${name}" sample="${sample}" role="${role}">${escaped(escaped(String(value)))}</Item>`,
        );
    };
    item('DESCRIPTION', 'description', band?.description);
    item('OFFSET', 'offset', band?.offset);
    item('SCALE', 'scale', band?.scale);
    item('UNITTYPE', 'unittype', band?.unit);
  }
  return items.length ? `<GDALMetadata>\n${items.join('\n')}\n</GDALMetadata>\n` : undefined;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!);
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[mark]!);
