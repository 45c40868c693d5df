// Makes a NetCDF-4 file as a weather model writes it: temperature and wind on two levels, every three hours, packed and
// compressed, with CF coordinates and rows from south to north.
//   node examples/weather-model/make-weather.mjs weather.nc

import { File, ready } from 'h5wasm/node';

const [path = 'weather.nc'] = process.argv.slice(2);
const [times, rows, columns] = [32, 192, 288];
const levels = [850, 500];

/** Waves that travel to the east along a meandering jet, colder to the north and with height. */
function weather(hours, level, latitude, longitude) {
  const radians = Math.PI / 180;
  const [lat, lon] = [latitude * radians, longitude * radians];
  const drift = hours / 24;
  const jet = 0.16 * Math.sin(6 * lon - 0.9 * drift) + 0.07 * Math.sin(11 * lon - 1.7 * drift + 2);
  const front = Math.tanh((lat - 0.83 - jet) * 9);
  const eddy = Math.sin(17 * lon + 9 * lat - 2.6 * drift) * Math.cos(14 * lat - 1.1 * drift);
  const t = (level === 850 ? 281 : 256) - 16 * front - 8 * (lat - 0.8) + 2.5 * eddy;
  const u = (level === 850 ? 9 : 24) * (1 - front * front) + 4 * eddy;
  const v = (level === 850 ? 8 : 18) * (1 - front * front) * Math.cos(6 * lon - 0.9 * drift) - 3 * eddy;
  return { t, u, v };
}

await ready;
const file = new File(path, 'w');
file.create_attribute('Conventions', 'CF-1.10');
file.create_attribute('title', 'an invented forecast');

const axes = {
  time: [
    Array.from({ length: times }, (_, i) => 3 * i),
    { units: 'hours since 2024-01-15 00:00:00', calendar: 'standard', standard_name: 'time' },
  ],
  level: [levels, { units: 'hPa', standard_name: 'air_pressure' }],
  lat: [Array.from({ length: rows }, (_, i) => 25 + i * 0.25), { units: 'degrees_north', standard_name: 'latitude' }],
  lon: [
    Array.from({ length: columns }, (_, i) => -40 + i * 0.25),
    { units: 'degrees_east', standard_name: 'longitude' },
  ],
};
for (const [name, [values, attributes]] of Object.entries(axes)) {
  const axis = file.create_dataset({ name, data: Float64Array.from(values) });
  axis.make_scale(name);
  for (const [key, value] of Object.entries(attributes)) axis.create_attribute(key, value);
}

const shape = [times, levels.length, rows, columns];
const names = {
  t: ['air_temperature', 'K', 0.01, 260],
  u: ['eastward_wind', 'm s-1', 0.01, 0],
  v: ['northward_wind', 'm s-1', 0.01, 0],
};
const packed = Object.fromEntries(
  Object.keys(names).map((name) => [name, new Int16Array(shape.reduce((n, size) => n * size))]),
);
let at = 0;
for (const hours of axes.time[0])
  for (const level of levels)
    for (const latitude of axes.lat[0])
      for (const longitude of axes.lon[0]) {
        const values = weather(hours, level, latitude, longitude);
        for (const [name, [, , scale, offset]] of Object.entries(names))
          packed[name][at] = Math.round((values[name] - offset) / scale);
        at++;
      }
for (const [name, [standard_name, units, scale_factor, add_offset]] of Object.entries(names)) {
  const variable = file.create_dataset({
    name,
    data: packed[name],
    shape,
    chunks: [1, 1, rows, columns],
    compression: 'gzip',
    compression_opts: [4],
  });
  for (const [axis, scale] of Object.keys(axes).entries()) variable.attach_scale(axis, scale);
  for (const [key, value] of Object.entries({ standard_name, units, scale_factor, add_offset }))
    variable.create_attribute(key, value);
  variable.create_attribute('_FillValue', -32768, [], '<h');
}
file.close();
