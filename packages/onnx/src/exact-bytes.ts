// Finds out which form of 8-bit weights this processor multiplies exactly.

import { tmpdir } from 'node:os';
import { tensor } from '@deepearth/core/tensor';
import { onnxModel } from '@deepearth/formats/onnx';
import { openSession } from './session.ts';

/** int8 as they are, or uint8: the same values plus 128, and a zero point of 128. */
export type ByteType = 'int8' | 'uint8';

const width = 64;

let found: Promise<ByteType> | undefined;

/**
 * `int8` where products of unsigned by signed bytes are exact (VNNI, AMX, ARM). On processors with AVX2 alone ONNX
 * Runtime sums two such products in 16 bits, which saturates: up to a tenth of an embedding is lost. There `uint8`,
 * which is widened first. Asked once a process.
 */
export const exactBytes = (): Promise<ByteType> => (found ??= probe());

async function probe(): Promise<ByteType> {
  const graph = onnxModel({ name: 'bytes', opsets: { '': 13 } });
  const right = graph.constant('right', tensor('int8', [width, 16], new Int8Array(width * 16).fill(127)));
  graph.output(
    graph.op('MatMulInteger', [graph.input('left', 'uint8', [1, width]), right], {}, { as: 'sums' }),
    'int32',
    [1, 16],
  );
  const session = await openSession({ model: graph.encode(), folder: tmpdir(), threads: 1 });
  try {
    const { sums } = await session.run({ left: tensor('uint8', [1, width], new Uint8Array(width).fill(255)) });
    return (sums!.data as Int32Array).every((sum) => sum === width * 255 * 127) ? 'int8' : 'uint8';
  } catch (error) {
    found = undefined; // the next one asks again
    throw error;
  } finally {
    await session.close();
  }
}
