// A tensor that is in a file and cannot be read, while everything beside it can.

import { InputError } from '@deepearth/core/errors';
import { show } from './printable.ts';

/** A tensor of a kind that is not read. Whoever asks for it gets an error that names it. */
export interface UnreadTensor {
  readonly kind: 'unread';
  /** What it is: "of the type F4", "a sparse tensor (torch._utils._rebuild_sparse_tensor)". */
  readonly what: string;
  readonly shape?: readonly number[];
}

/** Throws the error for a tensor that was asked for. */
export function refuseUnread(file: string, name: string, { what }: UnreadTensor): never {
  throw new InputError(file, `tensor ${show(name)} is ${what}, which is not read.`, {
    code: 'E_TENSOR_KIND',
    remedy: 'The other tensors of the file can be read; save this one as float32 (or another plain type).',
  });
}
