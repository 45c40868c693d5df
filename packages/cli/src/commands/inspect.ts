// `deepearth inspect`: what a file of tensors holds, without executing anything in it.

import { InputError } from '@deepearth/core/errors';
import { openFile } from '@deepearth/formats/file-source-node';
import { inspectFile, inspectionJson, type Inspection } from '@deepearth/formats/inspect';
import { cancellable } from '../cancel.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatBytes, plural } from '../format.ts';
import { countArrays, holdsLines } from '../inspect-text.ts';
import { print } from '../print.ts';
import { reportError } from '../report-error.ts';
import { styleOf, type Style } from '../style.ts';

export interface InspectFlags {
  readonly json?: boolean;
  readonly digest?: boolean;
}

const formatNames: Readonly<Record<Inspection['format'], string>> = { pt: 'PyTorch', safetensors: 'safetensors', npy: 'NumPy array', npz: 'NumPy archive', zip: 'ZIP archive' };

export async function inspectCommand(file: string, { json = false, digest = false }: InspectFlags): Promise<number> {
  const source = await openFile(file);
  try {
    const found = await cancellable(({ signal }) => inspectFile(source, { digest, signal }));
    if (json) {
      const { size: bytes, holds, ...rest } = found;
      print(inspectionJson({ ...rest, bytes, holds }));
    } else print(inspectText(found, styleOf(process.stdout)));
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (json) print(JSON.stringify({ file, refused: error.message, code: error.code }));
    await reportError(error);
    return exitCodes.failed;
  } finally {
    await source.close();
  }
}

function inspectText({ file, format, size, metadata, holds }: Inspection, style: Style): string {
  const { tensors, bytes } = countArrays(holds);
  const sum = tensors > 1 ? `, ${plural(tensors, 'tensor')} of ${formatBytes(bytes)}` : '';
  const words = Object.entries(metadata ?? {});
  return [
    `${style.bold(file)}  ${formatNames[format]}, ${formatBytes(size)}${sum}`,
    ...holdsLines(holds, '', '  ', style),
    ...(words.length ? [style.bold('metadata'), ...words.flatMap(([name, text]) => holdsLines(text, name, '  ', style))] : []),
  ].join('\n');
}
