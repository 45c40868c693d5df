// The address of a place in S3-compatible storage: s3://bucket/prefix.

import { DeepEarthError } from '@deepearth/core/errors';

/** Whether an output names a place in S3-compatible storage. */
export const isS3 = (output: string): boolean => /^s3:\/\//i.test(output);

/** A bucket and what the keys of a run begin with. */
export interface S3Address {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
}

/** Reads "s3://bucket/prefix". Throws a `DeepEarthError` (`E_S3_ADDRESS`) for anything else. */
export function parseS3Address(text: string): S3Address {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]*)(.*)$/is.exec(text) ?? [];
  const prefix = rest.replace(/^\/+|\/+$/g, '');
  const parts = prefix === '' ? [] : prefix.split('/');
  // Buckets of old and of other servers may have capitals and underscores.
  const named = /^[a-z\d][a-z\d._-]{1,254}$/i.test(bucket);
  if (!named || parts.some((part) => ['', '.', '..'].includes(part) || /[\u0000-\u001f]/.test(part)))
    throw new DeepEarthError(`${JSON.stringify(text)} is no address of a place in S3.`, {
      code: 'E_S3_ADDRESS',
      remedy: 'It looks like s3://bucket/prefix, without empty parts, "." and "..".',
    });
  return { bucket, prefix };
}
