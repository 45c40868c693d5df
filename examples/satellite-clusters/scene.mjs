// A small scene as a satellite with ten bands would see it on 16 dates: fields that grow and are cut, a lake, a forest,
// clouds with shadows, and a strip that the satellite did not see.

export const [width, height, dates] = [480, 384, 16];
export const names = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B11', 'B12', 'SCL'];
export const crs = 'EPSG:32633';
/** Upper left corner in metres. */
export const [left, top] = [399_960, 5_300_040];

/** When a date was. */
export const timeOf = (date) => new Date(Date.UTC(2024, 2, 3, 10, 17, 31) + date * 10 * 86_400_000).toISOString();

/** Reflectance times 10,000 of each band, from bare soil or water to full leaf. */
const spectra = {
  lake: [420, 380, 260, 220, 180, 170, 150, 140, 60, 40],
  forest: [240, 380, 260, 620, 1700, 2100, 2300, 2400, 1100, 520],
  soil: [900, 1200, 1600, 1800, 1950, 2100, 2250, 2350, 2900, 2500],
  leaf: [260, 620, 320, 1000, 3000, 3900, 4300, 4400, 1700, 800],
};

/** The same numbers for the same place, between 0 and 1. */
const hash = (x, y, seed) => {
  const n = Math.sin(x * 127.1 + y * 311.7 + seed * 74.7) * 43758.5453;
  return n - Math.floor(n);
};

/** Smooth numbers between 0 and 1: values at the corners of squares, and what lies between them. */
function noise(x, y, size, seed) {
  const [column, row] = [Math.floor(x / size), Math.floor(y / size)];
  const [u, v] = [x / size - column, y / size - row].map((t) => t * t * (3 - 2 * t));
  const corner = (dx, dy) => hash(column + dx, row + dy, seed);
  return (corner(0, 0) * (1 - u) + corner(1, 0) * u) * (1 - v) + (corner(0, 1) * (1 - u) + corner(1, 1) * u) * v;
}

function land(x, y) {
  if (Math.hypot(x - 340, (y - 110) * 1.4) < 80 + 20 * noise(x, y, 30, 1)) return 'lake';
  return noise(x, y, 90, 2) > 0.55 ? 'forest' : 'field';
}

/** All bands of a pixel on a date, [B02, …, SCL]; zeros where the satellite saw nothing. */
function pixel(x, y, date) {
  if (x + y / 3 < 20 + (date % 4) * 12) return new Array(11).fill(0);
  const kind = land(x, y);
  const field = hash(Math.floor(x / 60), Math.floor(y / 48), 3);
  const growth = Math.max(0, Math.sin((date / dates + field * 0.5) * Math.PI * 1.4));
  const grain = 1 + (hash(x, y, date) - 0.5) * 0.06;
  const cloud = noise(x + date * 57, y + date * 31, 120, 40 + date) > 0.8 + 0.08 * Math.sin(date * 2.1);
  const shadow = noise(x + 18 + date * 57, y + 12 + date * 31, 120, 40 + date) > 0.8 + 0.08 * Math.sin(date * 2.1);
  const values = spectra.soil.map((soil, band) => {
    const ground = kind === 'field' ? soil + (spectra.leaf[band] - soil) * growth : spectra[kind][band];
    return Math.round((cloud ? 7500 - band * 250 : shadow ? ground * 0.4 : ground) * grain);
  });
  return [...values, cloud ? 9 : shadow ? 3 : kind === 'lake' ? 6 : kind === 'forest' || growth > 0.4 ? 4 : 5];
}

/** All bands of a date, `[height, width, 11]`. */
export function sceneOf(date) {
  const out = new Uint16Array(width * height * names.length);
  for (let i = 0; i < width * height; i++) out.set(pixel(i % width, Math.floor(i / width), date), i * names.length);
  return out;
}
