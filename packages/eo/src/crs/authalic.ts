// The function q of equal-area maps of an ellipsoid, and the latitude that belongs to a value of it.

/** What equal-area maps need of an ellipsoid. */
export interface Authalic {
  /** Of the sine of a latitude. */
  q(sine: number): number;
  /** Its value at the north pole. */
  readonly pole: number;
  /** The latitude in radians whose value is `q`; a pole for values beyond its own. */
  latitude(q: number): number;
}

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 3-12 and 3-16. */
export function authalicOf(flattening: number): Authalic {
  const e2 = flattening * (2 - flattening);
  const e = Math.sqrt(e2);
  const q = (sine: number): number =>
    (1 - e2) * (sine / (1 - e2 * sine ** 2) - Math.log((1 - e * sine) / (1 + e * sine)) / (2 * e));
  const pole = q(1);
  return {
    q,
    pole,
    latitude(wanted) {
      if (Math.abs(wanted) >= pole) return (Math.sign(wanted) * Math.PI) / 2;
      let latitude = Math.asin(wanted / pole);
      for (let i = 0; i < 12; i++) {
        const sine = Math.sin(latitude);
        const step = ((1 - e2 * sine ** 2) ** 2 / (2 * Math.cos(latitude) * (1 - e2))) * (wanted - q(sine));
        latitude += step;
        if (Math.abs(step) < 1e-15) break;
      }
      return latitude;
    },
  };
}
