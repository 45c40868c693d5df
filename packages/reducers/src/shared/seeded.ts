// Seeded random numbers: the same on every machine.

/** Mixes a 32-bit number thoroughly (the finalizer of MurmurHash3). */
export function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Numbers in [0, 1) with 32 random bits: sfc32, seeded by one number (any finite one) and a stream number. */
export function seededRandom(seed: number, stream = 0): () => number {
  let a = mix(seed) | 0;
  let b = mix(Math.floor(seed / 2 ** 32) + 0x9e3779b9) | 0;
  let c = mix(stream + 0x243f6a88) | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** Numbers of the standard normal distribution, by Box and Muller. */
export function seededNormal(seed: number, stream = 0): () => number {
  const random = seededRandom(seed, stream);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
