// Where the Hugging Face Hub and its cache are, as its Python client's environment variables say.

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readTextFile } from '@deepearth/core/regular-file';

/** Where the Hub and its cache are. */
export interface HubEnvironment {
  /** Without a slash at the end: "https://huggingface.co", or a private mirror (`HF_ENDPOINT`). */
  readonly endpoint: string;
  /** The folder with `models--org--name` in it (`HF_HUB_CACHE`, else `HF_HOME/hub`). */
  readonly cache: string;
  /** True when nothing may be asked of the network (`HF_HUB_OFFLINE`). */
  readonly offline: boolean;
  /** `HF_TOKEN`, else the token that `hf auth login` left (`HF_TOKEN_PATH`, `HF_HOME/token`). */
  token(): Promise<string | undefined>;
}

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

const on = (value: string | undefined): boolean => ['1', 'ON', 'YES', 'TRUE'].includes(value?.toUpperCase() ?? '');
const expand = (path: string): string => resolve(path.replace(/^~(?=$|[\\/])/, homedir()));

/** Reads the variables; the token's file is read only when a token is asked for. */
export function hubEnvironment(variables: Variables = process.env): HubEnvironment {
  const home = expand(
    variables['HF_HOME'] || join(variables['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface'),
  );
  return {
    endpoint: (variables['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    cache: expand(variables['HF_HUB_CACHE'] || variables['HUGGINGFACE_HUB_CACHE'] || join(home, 'hub')),
    offline: on(variables['HF_HUB_OFFLINE']) || on(variables['TRANSFORMERS_OFFLINE']),
    async token() {
      const given = variables['HF_TOKEN'] || variables['HUGGING_FACE_HUB_TOKEN'];
      if (given?.trim()) return given.trim();
      if (on(variables['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return undefined;
      const stored = await readTextFile(expand(variables['HF_TOKEN_PATH'] || join(home, 'token'))).catch(() => '');
      return stored.trim() || undefined;
    },
  };
}
