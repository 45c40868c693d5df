// The clock of this process jumps by up to two days, back or forth, every 200 ms, as one that is set while a program runs.

import { seededRandom } from '@deepearth/testing/random';

const random = seededRandom(Number(process.env.JUMPING_CLOCK_SEED ?? 1));
const Real = Date;
let away = 0;
const jump = () => (away = (random() - 0.5) * 4 * 86_400_000);
jump();
setInterval(jump, 200).unref();

globalThis.Date = class Date extends Real {
  constructor(...values) {
    super(...(values.length === 0 ? [Date.now()] : values));
  }
  static now() {
    return Math.round(Real.now() + away);
  }
};
