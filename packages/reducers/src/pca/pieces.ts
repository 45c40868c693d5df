// What is known of a range of tokens for a PCA, in pieces that join to the same bytes however the tokens were divided.

import type { Sliced } from '../shared/pace.ts';
import { addMoments, addProducts, blockRows, noMoments, type BlockProducts, type Moments } from './moments.ts';

export type Rows = Float32Array | Float64Array;

/**
 * Tokens are counted over the whole input, valid or not, and cut into blocks of `blockRows(channels)`. So many blocks,
 * added in order, make a sum of level 1, so many sums of level 1 one of level 2, and so on.
 */
export const fanOut = 32;

/** Levels of sums that so many tokens make, which are held at once. */
export const levelsOf = (tokens: number, channels: number): number =>
  Math.max(1, Math.ceil(Math.log(tokens / blockRows(channels) + 1) / Math.log(fanOut)));

/** The valid ones of the tokens `from … to`, which lie in one block and are not all of it. */
export interface RowsPiece {
  readonly kind: 'rows';
  readonly from: number;
  readonly to: number;
  readonly rows: Rows;
}

/** A whole block, multiplied with itself; no products where none of its tokens is valid. */
export interface BlockPiece {
  readonly kind: 'block';
  readonly index: number;
  readonly products?: BlockProducts;
}

/** The first `children` blocks (level 1), or sums of the level below, of the sum `index` of a level. */
export interface SumPiece {
  readonly kind: 'sum';
  readonly level: number;
  readonly index: number;
  readonly children: number;
  readonly moments: Moments;
}

export type Piece = RowsPiece | BlockPiece | SumPiece;

/**
 * Multiplies the rows of a whole block, or of the last one; what it returns may come later, in the order of the calls.
 * Absent: blocks stay rows.
 */
export type Multiply = (rows: Rows) => Promise<BlockProducts>;

/** Joins pieces in the order of their tokens; those that are given are left as they are. */
export class Pieces {
  readonly #channels: number;
  readonly #blockRows: number;
  readonly list: Piece[] = [];

  constructor(channels: number) {
    this.#channels = channels;
    this.#blockRows = blockRows(channels);
  }

  /** Appends the piece that follows. Rows that become a whole block go through `multiply`. */
  async append(piece: Piece, run: <T>(work: Sliced<T>) => Promise<T>, multiply?: Multiply): Promise<void> {
    if (piece.kind === 'block') return run(this.appendNode(piece));
    if (piece.kind === 'sum') {
      const own = { ...piece, moments: copyOf(piece.moments) };
      if (piece.children === fanOut) return run(this.appendNode(own));
      return void this.list.push(own);
    }
    const last = this.list.at(-1);
    const continues = last?.kind === 'rows' && last.to === piece.from && piece.from % this.#blockRows !== 0;
    const rows: RowsPiece = continues
      ? { kind: 'rows', from: last.from, to: piece.to, rows: joined(last.rows, piece.rows) }
      : piece;
    if (continues) this.list.pop();
    if (!multiply || rows.to - rows.from < this.#blockRows) return void this.list.push(rows);
    const products = rows.rows.length > 0 ? { products: await multiply(rows.rows) } : {};
    await run(this.appendNode({ kind: 'block', index: rows.from / this.#blockRows, ...products }));
  }

  /** Appends a block, or a sum that lacks nothing (which it takes over), and adds up what has become complete. */
  *appendNode(node: BlockPiece | SumPiece): Sliced<void> {
    const level = (node.kind === 'sum' ? node.level : 0) + 1;
    const child = node.index % fanOut;
    const index = Math.floor(node.index / fanOut);
    const last = this.list.at(-1);
    const continues = last?.kind === 'sum' && last.level === level && last.index === index && last.children === child;
    // A later child waits for what comes before this part.
    if (!continues && child > 0) return void this.list.push(node);
    if (continues) this.list.pop();
    const taken = !continues && node.kind === 'sum';
    const moments = continues ? last.moments : taken ? node.moments : noMoments(this.#channels);
    if (!taken) yield* this.#add(moments, node);
    const sum: SumPiece = { kind: 'sum', level, index, children: child + 1, moments };
    if (sum.children === fanOut) yield* this.appendNode(sum);
    else this.list.push(sum);
  }

  /**
   * Adds all pieces up, in order: the moments of an input that begins with the first of them. Only the last may be
   * rows, and they have to be multiplied before.
   */
  *total(last: BlockProducts | undefined): Sliced<Moments> {
    const sums = this.list.filter((piece) => piece.kind === 'sum');
    if (last) {
      const inner = sums.at(-1);
      if (inner?.level === 1) yield* addProducts(inner.moments, last);
      else {
        const moments = noMoments(this.#channels);
        yield* addProducts(moments, last);
        sums.push({ kind: 'sum', level: 1, index: 0, children: 1, moments });
      }
    }
    let total = sums.pop()!.moments;
    for (let outer = sums.pop(); outer; outer = sums.pop()) {
      yield* addMoments(outer.moments, total);
      total = outer.moments;
    }
    return total;
  }

  *#add(moments: Moments, node: BlockPiece | SumPiece): Sliced<void> {
    if (node.kind === 'sum') yield* addMoments(moments, node.moments);
    else if (node.products) yield* addProducts(moments, node.products);
  }
}

const copyOf = ({ count, channels, mean, scatter }: Moments): Moments => ({
  count,
  channels,
  mean: mean.slice(),
  scatter: scatter.slice(),
});

/** One array with both; float64 where one of them is. */
function joined(one: Rows, other: Rows): Rows {
  const wide = one instanceof Float64Array || other instanceof Float64Array;
  const rows = new (wide ? Float64Array : Float32Array)(one.length + other.length);
  rows.set(one);
  rows.set(other, one.length);
  return rows;
}
