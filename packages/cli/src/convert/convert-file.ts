// Converts one file of tensors into another format, in pieces.

import { openFile } from '@deepearth/formats/file-source-node';
import { encodeContent, openContent, type TensorFormat } from '@deepearth/formats/convert';
import type { TensorType } from '@deepearth/formats/retype';
import { writeFileWhole } from '@deepearth/formats/write-file-node';
import { cannotWrite } from '../cannot-write.ts';
import { withTokenLayout } from './token-layout.ts';

/** What is to become of files. */
export interface ConvertOptions {
  readonly dtype: TensorType;
  readonly tensor?: string | undefined;
  readonly signal: AbortSignal;
  /** Called with the share of the file that is written, 0 to 1. */
  readonly progress: (share: number) => void;
}

/** A file that was written. */
export interface Converted {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly tensors: number;
  /** What it does not hold of the other, or holds otherwise. */
  readonly remarks: readonly string[];
}

/** Writes the tensors of `from` as a file of a format. Throws an `InputError`; nothing is left then. */
export async function convertFile(
  from: string,
  to: string,
  format: TensorFormat,
  { dtype, tensor, signal, progress }: ConvertOptions,
): Promise<Converted> {
  const source = await openFile(from);
  try {
    const { content, remarks } = await withTokenLayout(await openContent(source, signal), source, format, signal);
    const encoded = encodeContent(content, format, { dtype, tensor, file: from });
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      let done = 0;
      for await (const chunk of encoded.chunks) {
        done += chunk.byteLength;
        yield chunk;
        progress(Math.min(1, done / Math.max(1, encoded.bytes)));
      }
    };
    const { bytes, sha256 } = await writeFileWhole(to, counted(), signal).catch((cause: unknown) => {
      throw cannotWrite(to, cause);
    });
    return { from, to, bytes, sha256, tensors: encoded.tensors, remarks: [...remarks, ...encoded.remarks] };
  } finally {
    await source.close();
  }
}
