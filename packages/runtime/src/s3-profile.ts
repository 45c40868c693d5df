// The settings of a profile in the files of the AWS command line.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The name of the profile that is asked for. */
export const profileOf = (env: Environment): string => env.AWS_PROFILE || 'default';

/**
 * The settings of the profile AWS_PROFILE, by their names: those of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials),
 * then those of AWS_CONFIG_FILE (~/.aws/config). Empty where there are no such files, or no such profile.
 */
export function s3Profile(env: Environment): Readonly<Record<string, string | undefined>> {
  const name = profileOf(env);
  const home = join(env.HOME || homedir(), '.aws');
  return {
    ...sectionOf(env.AWS_CONFIG_FILE || join(home, 'config'), name === 'default' ? name : `profile ${name}`),
    ...sectionOf(env.AWS_SHARED_CREDENTIALS_FILE || join(home, 'credentials'), name),
  };
}

function sectionOf(path: string, wanted: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  const found: Record<string, string> = {};
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const [, section] = /^\s*\[\s*(.*?)\s*\]/.exec(line) ?? [];
    if (section !== undefined) inside = section.replace(/\s+/g, ' ') === wanted;
    // Indented lines belong to a setting above them, such as `s3 =`.
    const [, key, value] = /^([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (inside && key && value) found[key.toLowerCase()] = value;
  }
  return found;
}
