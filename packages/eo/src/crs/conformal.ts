// Latitudes of conformal maps of an ellipsoid.

/** The isometric latitude of a latitude, in radians. */
export function isometric(latitude: number, flattening: number): number {
  const e = Math.sqrt(flattening * (2 - flattening));
  const sine = Math.sin(latitude);
  return Math.atanh(sine) - e * Math.atanh(e * sine);
}

/** The latitude of an isometric latitude, in radians. */
export const latitudeOf = (isometricLatitude: number, flattening: number): number =>
  Math.abs(isometricLatitude) > 40
    ? (Math.sign(isometricLatitude) * Math.PI) / 2
    : Math.atan(geographicTangent(Math.sinh(isometricLatitude), flattening));

/**
 * The tangent of the latitude of which `wanted` is that of the conformal latitude: Newton's method, equations 19 to 21
 * of C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers, J. Geodesy 85, 2011.
 */
export function geographicTangent(wanted: number, f: number): number {
  const e2 = f * (2 - f);
  const e = Math.sqrt(e2);
  let tau = wanted;
  for (let i = 0; i < 8; i++) {
    const secant = Math.hypot(1, tau);
    const sigma = Math.sinh(e * Math.atanh((e * tau) / secant));
    const found = tau * Math.hypot(1, sigma) - sigma * secant;
    const step = ((wanted - found) / Math.hypot(1, found)) * ((1 + (1 - e2) * tau ** 2) / ((1 - e2) * secant));
    tau += step;
    if (Math.abs(step) < 1e-15 * Math.max(1, Math.abs(tau))) break;
  }
  return tau;
}
