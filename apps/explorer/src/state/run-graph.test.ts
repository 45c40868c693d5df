import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layoutOf } from './run-graph.ts';

const graphs = fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { maxLength: 20 }).map((all) =>
  all.map((from, index) => ({
    id: `s${index}`,
    from: index === 0 ? [] : [...new Set(from.map((each) => `s${each % index}`))],
  })),
);

test('every stage stands behind all that it takes from, and no two in one place', () => {
  fc.assert(
    fc.property(graphs, (stages) => {
      const { places, layers, breadth } = layoutOf(stages);
      const along = new Map(places.map((place) => [place.stage.id, place.along]));
      expect(places.map(({ stage }) => stage)).toEqual(stages);
      for (const { id, from } of stages) for (const each of from) expect(along.get(each)!).toBeLessThan(along.get(id)!);
      expect(new Set(places.map((place) => `${place.along} ${place.across}`)).size).toBe(stages.length);
      for (const place of places) {
        expect(place.along).toBeLessThan(layers);
        expect(place.across).toBeGreaterThanOrEqual(0);
        expect(place.across).toBeLessThanOrEqual(breadth - 1);
      }
    }),
  );
});

test('what belongs together stands side by side', () => {
  const { places } = layoutOf([
    { id: 'a', from: [] },
    { id: 'b', from: [] },
    { id: 'from-b', from: ['b'] },
    { id: 'from-a', from: ['a'] },
    { id: 'lost', from: ['nobody'] },
  ]);
  const across = Object.fromEntries(places.map((place) => [place.stage.id, place.across]));
  expect(across['from-a']).toBeLessThan(across['from-b']!);
  expect(layoutOf([])).toEqual({ places: [], layers: 0, breadth: 0 });
});
