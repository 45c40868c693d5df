// Opens the tensors of any file this package knows, by what is in it (Node only).

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from './bytes.ts';
import { fileKind, type FileKind } from './file-kind.ts';
import { openFile } from './file-source-node.ts';
import type { LazyTensor } from './lazy-tensor.ts';
import { openNpy } from './npy.ts';
import { openNpz } from './npz.ts';
import { printable, show } from './printable.ts';
import { arraysAndTensorsOf, openPt, unreadIn } from './pt.ts';
import { openSafetensors } from './safetensors.ts';
import { refuseUnread, type UnreadTensor } from './unread-tensor.ts';

/** An open file of tensors. */
export interface TensorFile {
  readonly path: string;
  readonly format: FileKind;
  /** By name; the one of a .npy file, or of a .pt file that is a tensor alone, is called "tensor". None is read yet. */
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  /** Tensors of kinds that are not read. */
  readonly unread: ReadonlyMap<string, UnreadTensor>;
  /** Text that comes with the tensors; empty but for safetensors. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The only tensor, or the one of that name. Throws an `InputError` that lists the names when it is not clear which,
   * and one that says what it is where it is not read.
   */
  tensor(name?: string): LazyTensor;
  close(): Promise<void>;
}

async function tensorsIn(
  source: ByteSource,
  format: FileKind,
  signal?: AbortSignal,
): Promise<Pick<TensorFile, 'tensors' | 'unread' | 'metadata'>> {
  const metadata = new Map<string, string>();
  const unread = new Map<string, UnreadTensor>();
  if (format === 'safetensors') return openSafetensors(source, signal);
  if (format === 'npy') return { metadata, unread, tensors: new Map([['tensor', await openNpy(source, signal)]]) };
  if (format === 'npz') return { metadata, unread, tensors: await openNpz(source, signal) };
  if (format === 'pt') {
    const { value } = await openPt(source, signal);
    return { metadata, unread: unreadIn(value), tensors: arraysAndTensorsOf(value) };
  }
  throw new InputError(source.name, 'is a ZIP archive, but neither a .pt nor a .npz file.', { code: 'E_FORMAT' });
}

/**
 * Opens a .safetensors, .pt, .npy or .npz file, told apart by content, reading its directory only. Close it when done.
 * Throws an `InputError`.
 */
export async function readTensorFile(path: string, signal?: AbortSignal): Promise<TensorFile> {
  const source = await openFile(path);
  try {
    const format = await fileKind(source, signal);
    const { tensors, unread, metadata } = await tensorsIn(source, format, signal);
    const names = (): string =>
      printable([...tensors.keys()].slice(0, 12).join(', ')) + (tensors.size > 12 ? ', …' : '');
    return {
      path,
      format,
      tensors,
      unread,
      metadata,
      tensor: (name) => {
        const found = name === undefined && tensors.size === 1 ? [...tensors.values()][0] : tensors.get(name ?? '');
        if (found) return found;
        const [only] = unread.keys();
        const asked = name ?? (tensors.size === 0 && unread.size === 1 ? only : undefined);
        if (asked !== undefined && unread.has(asked)) refuseUnread(path, asked, unread.get(asked)!);
        if (tensors.size === 0) throw new InputError(path, 'holds no tensors.', { code: 'E_NO_TENSORS' });
        if (name !== undefined)
          throw new InputError(path, `has no tensor ${show(name)}; it has ${names()}.`, { code: 'E_TENSOR_MISSING' });
        throw new InputError(path, `holds ${tensors.size} tensors: ${names()}.`, {
          code: 'E_TENSOR_UNNAMED',
          remedy: 'Say which one.',
        });
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}
