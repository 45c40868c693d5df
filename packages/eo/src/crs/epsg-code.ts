// Finds the EPSG code of a coordinate system.

/** The EPSG code of "EPSG:32633", or that which closes a WKT; `undefined` where there is none. */
export function codeOf(crs: string): number | undefined {
  const found =
    /^EPSG:+(\d{1,5})$/i.exec(crs.trim()) ??
    /(?:AUTHORITY\["EPSG",\s*"(\d{1,5})"\]|ID\["EPSG",\s*(\d{1,5})\])\s*\]\s*$/i.exec(crs.trim());
  const code = Number(found?.[1] ?? found?.[2] ?? NaN);
  return code > 0 && code < 32_767 ? code : undefined;
}
