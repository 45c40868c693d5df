// Writes readings.csv: two days of 4 x 6 sensors, hourly; a warm front passes from the west. The same bytes every time.

import { writeFileSync } from 'node:fs';

const lines = ['seconds,row,column,temperature,humidity,wind'];
for (let hour = 0; hour < 48; hour++) {
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 6; column++) {
      const day = Math.sin((2 * Math.PI * (hour - 8)) / 24);
      const front = 1 / (1 + Math.exp(column - (hour - 12) / 4));
      const ripple = Math.sin(1.7 * hour + 2.3 * row + 3.1 * column);
      const temperature = 12 + 5 * day + 6 * front - row + 0.3 * ripple;
      const humidity = 60 - 15 * day + 25 * front * (1 - front) * 4 + ripple;
      const wind = 3 + 8 * front * (1 - front) * 4 + 0.5 * Math.abs(ripple);
      lines.push(
        [hour * 3600, row, column, ...[temperature, humidity, wind].map((value) => value.toFixed(2))].join(','),
      );
    }
  }
}
writeFileSync(new URL('readings.csv', import.meta.url), `${lines.join('\n')}\n`);
