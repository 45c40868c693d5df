// The clock of this process is set once, up to three seconds after its start, by up to two days back or forth.

import { seededRandom } from '@deepearth/testing/random';

const random = seededRandom(Number(process.env.JUMPING_CLOCK_SEED ?? 1) + process.pid);
const Real = Date;
let away = 0;
setTimeout(() => (away = (random() - 0.5) * 4 * 86_400_000), 3000 * random()).unref();

globalThis.Date = class Date extends Real {
  constructor(...values) {
    super(...(values.length === 0 ? [Date.now()] : values));
  }
  static now() {
    return Math.round(Real.now() + away);
  }
};
