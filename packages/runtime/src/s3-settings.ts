// Where an S3-compatible server is and who asks, from the environment variables and files that other programs for S3
// read.

import { DeepEarthError } from '@deepearth/core/errors';
import { profileOf, s3Profile } from './s3-profile.ts';

/** How a server is reached, and as whom. */
export interface S3Settings {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  /** Of a server that is not AWS: buckets are the first part of its paths. */
  readonly endpoint?: URL;
}

/**
 * Reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (AWS_DEFAULT_REGION) and
 * AWS_ENDPOINT_URL_S3 (AWS_ENDPOINT_URL); what is not set comes from the profile AWS_PROFILE ("default") of
 * ~/.aws/credentials and ~/.aws/config. Throws a `DeepEarthError`: `E_S3_CREDENTIALS` without keys, `E_S3_ADDRESS` for
 * an endpoint that is no address.
 */
export function s3Settings(env: Readonly<Record<string, string | undefined>>): S3Settings {
  const profile = s3Profile(env);
  // Keys belong together: a token of a profile does not go with keys of the environment.
  const fromEnv = Boolean(env.AWS_ACCESS_KEY_ID || env.AWS_SECRET_ACCESS_KEY);
  const [accessKeyId, secretAccessKey, sessionToken] = fromEnv
    ? [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN]
    : [profile.aws_access_key_id, profile.aws_secret_access_key, profile.aws_session_token];
  if (!accessKeyId || !secretAccessKey)
    throw new DeepEarthError(
      fromEnv
        ? `${accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'} is not set, which S3 storage needs.`
        : `AWS_ACCESS_KEY_ID is not set, and the profile ${profileOf(env)} of ~/.aws has no keys; S3 storage needs them.`,
      {
        code: 'E_S3_CREDENTIALS',
        remedy:
          'Set both keys, or AWS_PROFILE; of a profile that signs in: eval "$(aws configure export-credentials --format env)".',
      },
    );
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.endpoint_url;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.region || 'us-east-1',
    ...(endpoint && { endpoint: endpointOf(endpoint) }),
  };
}

function endpointOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text may hold a password, so it is not repeated.
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new DeepEarthError('the endpoint of S3 (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL) is no address.', {
      code: 'E_S3_ADDRESS',
      remedy: 'It looks like https://minio.example:9000; keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
  return url;
}

/** The address of a key, or of the bucket itself for the empty one. */
export function s3Url(
  { endpoint, region }: S3Settings,
  bucket: string,
  key: string,
  query: Readonly<Record<string, string>> = {},
): URL {
  // A certificate for *.s3.… does not hold for a bucket with dots or capitals.
  const asHost = !endpoint && /^[a-z\d-]+$/.test(bucket);
  const server = endpoint
    ? endpoint.href.replace(/\/+$/, '')
    : `https://${asHost ? `${bucket}.` : ''}s3.${region}.amazonaws.com`;
  const search = Object.entries(query).map((pair) => pair.map(encoded).join('='));
  return new URL(
    `${server}${asHost ? '' : `/${bucket}`}/${key.split('/').map(encoded).join('/')}${search.length ? `?${search.join('&')}` : ''}`,
  );
}

/** Everything encoded that the signature encodes (RFC 3986), so that both name the same key. */
const encoded = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
