// Outlines of groups of cells, cells that touch made one.

/** A corner of the grid, in cells. */
export type Corner = readonly [column: number, row: number];
/** A closed line without its first corner again at the end. */
export type Ring = readonly Corner[];
/** The outer line, then those of its holes. */
export type Region = readonly Ring[];

/**
 * The regions of the cells for which `isIn` is true, of a grid `height x width`. Outer lines run with the clock on a
 * picture, whose rows go down, holes against it; cells that touch at a corner alone are two regions.
 */
export function regionsOf(isIn: (row: number, column: number) => boolean, height: number, width: number): Region[] {
  const inside = (row: number, column: number): boolean =>
    row >= 0 && column >= 0 && row < height && column < width && isIn(row, column);
  const at = ([column, row]: Corner): number => row * (width + 1) + column;
  /** Edges by their first corner, the cell to their right. */
  const edges = new Map<number, { to: Corner; from: Corner }[]>();
  const edge = (from: Corner, to: Corner): void => {
    edges.set(at(from), [...(edges.get(at(from)) ?? []), { from, to }]);
  };
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      if (!inside(row, column)) continue;
      if (!inside(row - 1, column)) edge([column, row], [column + 1, row]);
      if (!inside(row, column + 1)) edge([column + 1, row], [column + 1, row + 1]);
      if (!inside(row + 1, column)) edge([column + 1, row + 1], [column, row + 1]);
      if (!inside(row, column - 1)) edge([column, row + 1], [column, row]);
    }
  const rings: Corner[][] = [];
  for (const [start, list] of edges)
    while (list.length > 0) {
      const ring: Corner[] = [];
      let here = list.pop()!;
      for (;;) {
        ring.push(here.from);
        if (at(here.to) === start) break;
        const next = edges.get(at(here.to))!;
        // Where two regions touch at a corner, the way turns right and stays with its own cell.
        const wanted = next.findIndex((other) => next.length === 1 || turn(here, other) > 0);
        here = next.splice(Math.max(0, wanted), 1)[0]!;
      }
      rings.push(straight(ring));
    }
  const outer = rings.filter((ring) => area(ring) > 0).map((ring): Ring[] => [ring]);
  for (const hole of rings.filter((ring) => area(ring) < 0)) {
    // Of the outer lines around it, the smallest.
    const around = outer
      .filter(([ring]) => contains(ring!, hole))
      .sort(([one], [other]) => area(one!) - area(other!))[0];
    around?.push(hole);
  }
  return outer;
}

type Edge = { readonly from: Corner; readonly to: Corner };

/** Above 0 where the second edge turns right, with rows that go down. */
const turn = ({ from: [ax, ay], to: [bx, by] }: Edge, { from: [cx, cy], to: [dx, dy] }: Edge): number =>
  (bx - ax) * (dy - cy) - (by - ay) * (dx - cx);

/** Without corners in the middle of a straight line. */
const straight = (ring: readonly Corner[]): Corner[] =>
  ring.filter((here, i) => {
    const [before, after] = [ring.at(i - 1)!, ring[(i + 1) % ring.length]!];
    return turn({ from: before, to: here }, { from: here, to: after }) !== 0;
  });

/** In cells; above 0 where the line runs with the clock on a picture. */
export const area = (ring: Ring): number =>
  ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length]!;
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);

/** Whether a hole lies within a line: the cell beside its first edge does, by the even-odd rule. */
function contains(ring: Ring, hole: Ring): boolean {
  const [[ax, ay], [bx, by]] = [hole[0]!, hole[1]!];
  // Half a cell from the first corner along the line, and a little into the hole's own cell, which is not part of it.
  const [dx, dy] = [Math.sign(bx - ax), Math.sign(by - ay)];
  const [x, y] = [ax + dx / 2 - dy / 4, ay + dy / 2 + dx / 4];
  let within = false;
  ring.forEach(([cx, cy], i) => {
    const [ex, ey] = ring[(i + 1) % ring.length]!;
    if (cy > y !== ey > y && x < ((ex - cx) * (y - cy)) / (ey - cy) + cx) within = !within;
  });
  return within;
}
