// Makes dates of a scene of any size: fields that grow and are cut, lakes, slow changes of light, grain. A date is a
// cloud-optimised GeoTIFF of three bands of uint16 (reflectance times 10,000), deflated. Memory does not grow with the
// size.
//
//   node benchmarks/support/make-scenes.mjs FOLDER [SIZE] [DATES]

import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pipeline } from 'node:stream/promises';
import { writeCog } from '@deepearth/eo';

const bands = ['B08', 'B04', 'B03'];
/** Reflectance times 10,000 of each band. */
const spectra = { water: [150, 260, 380], soil: [2250, 1600, 1200], leaf: [4300, 320, 620] };

/** The same number for the same place, 0 to 65,535. */
function hash(x, y, seed) {
  let n =
    Math.imul(x + 374_761, 668_265_263) ^ Math.imul(y + 1_274_126, 374_761_393) ^ Math.imul(seed + 1, 2_246_822_519);
  n = Math.imul(n ^ (n >>> 13), 1_274_126_177);
  return (n ^ (n >>> 16)) & 0xffff;
}

/** Appends to a file and reads from it, as `writeCog` wants it. */
async function diskScratch(path) {
  const file = await open(path, 'w+');
  let length = 0;
  return {
    get length() {
      return length;
    },
    async append(bytes) {
      const at = length;
      length += bytes.length;
      await file.write(bytes, 0, bytes.length, at);
      return at;
    },
    async read(at, count) {
      const out = new Uint8Array(count);
      await file.read(out, 0, count, at);
      return out;
    },
    clear: () => file.truncate(0),
    close: () => file.close(),
  };
}

const table = (length, value) => Float32Array.from({ length }, (_, i) => value(i));

/** What reads a part of one date. */
function dateOf(size, date, dates) {
  // Light changes slowly, field by field the crop does, and grain from pixel to pixel.
  const light = table(size * 2, (i) => 0.075 * Math.sin(i / 611 + date / 5));
  const grain = Int8Array.from({ length: 1 << 16 }, (_, i) => (hash(i, date, 9) % 9) * 8 - 32);
  // Fields lie aslant, so that no border of a tile runs along one of theirs.
  const across = Math.ceil((size * 1.31) / 83) + 1;
  const firstDown = Math.ceil((size * 0.39) / 61);
  const down = firstDown + Math.ceil((size * 0.92) / 61) + 1;
  const grown = table(across * down, (i) => {
    const sown = hash(i % across, Math.floor(i / across), 1) / 65_536;
    return Math.max(0, Math.sin((date / dates + sown * 0.6) * Math.PI * 1.4));
  });
  const [slowX, slowY] = [table(size, (x) => Math.sin(x / 431)), table(size, (y) => Math.sin(y / 367 + 1))];
  const slant = table(size * 2, (sum) => Math.sin(sum / 787 + 2));
  const [shoreX, shoreY] = [table(size, (x) => 0.15 * Math.sin(x / 23)), table(size, (y) => Math.sin(y / 29))];
  return ({ x, y, width, height }) => {
    const out = new Uint16Array(width * height * 3);
    for (let row = 0, at = 0; row < height; row++)
      for (let column = 0; column < width; column++, at += 3) {
        const [px, py] = [x + column, y + row];
        const water = slowX[px] + slowY[py] + slant[px + py] + shoreX[px] * shoreY[py] > 1.9;
        const field =
          Math.floor((px * 0.92 + py * 0.39) / 83) + across * (firstDown + Math.floor((py * 0.92 - px * 0.39) / 61));
        const growth = grown[field];
        const shine = 1 + light[px] + light[py + (size >> 1)];
        const noise = grain[(px * 7919 + py * 104_729) & 0xffff];
        for (let band = 0; band < 3; band++) {
          const soil = spectra.soil[band];
          const ground = water ? spectra.water[band] : soil + (spectra.leaf[band] - soil) * growth;
          // Whole eights: less to compress, and less than the grain.
          out[at + band] = Math.max(((ground * shine + noise) >> 3) << 3, 8);
        }
      }
    return out;
  };
}

/** Writes the dates that are not there yet; returns their paths. */
export async function makeScenes(folder, { size, dates, log = () => {} }) {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), 'scenes-'));
  const scratch = await diskScratch(join(work, 'blocks'));
  const paths = [];
  try {
    for (let date = 0; date < dates; date++) {
      const at = new Date(Date.UTC(2024, 2, 3, 10, 17, 31) + date * 10 * 86_400_000).toISOString();
      const path = join(folder, `scene_${at.slice(0, 19).replace(/[-:]/g, '')}.tif`);
      paths.push(path);
      if (existsSync(path)) continue;
      const parts = writeCog(
        {
          width: size,
          height: size,
          bands: 3,
          type: 'uint16',
          crs: 'EPSG:32633',
          transform: [10, 0, 399_960, 0, -10, 5_300_040],
          nodata: 0,
          resampling: 'mean',
          bandNames: bands,
          at,
          read: dateOf(size, date, dates),
        },
        scratch,
      );
      await pipeline(parts, createWriteStream(`${path}.part`));
      await rename(`${path}.part`, path);
      await scratch.clear();
      log(`${path} (${date + 1} of ${dates})`);
    }
  } finally {
    await scratch.close();
    await rm(work, { recursive: true });
  }
  return paths;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder = 'scenes', size = '10000', dates = '16'] = process.argv.slice(2);
  await makeScenes(folder, { size: Number(size), dates: Number(dates), log: console.log });
}
