// What the Hub's refusals mean and what to do about them.

import { closest, InputError } from '@deepearth/core/errors';

/** Returns that may be others in a moment. */
export const retriedStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

const withoutOwner = (name: string): string => name.split('/')[1] ?? name;

/** One of `known` checkpoints whose name is close to one that was not found. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const model = withoutOwner(name);
  const like = (wanted: string | undefined) =>
    known.find((each) => withoutOwner(each).toLowerCase() === wanted?.toLowerCase());
  return like(model) ?? closest(name, known) ?? like(closest(model, known.map(withoutOwner)));
}

/**
 * Turns a final refusal into an error: no such model, revision or file; gated; private; forbidden. `known` are names
 * that may have been meant.
 */
export function refusal(
  model: string,
  response: Response,
  { endpoint, hasToken, known }: { endpoint: string; hasToken: boolean; known: readonly string[] },
): InputError {
  const [name = model, revision] = model.split('@');
  const code = response.headers.get('X-Error-Code');
  const said = response.headers.get('X-Error-Message');
  const status = response.status;
  if (code === 'GatedRepo' || (status === 403 && code !== 'RepoNotFound'))
    return new InputError(model, `access to it is restricted (${status}${said ? `: ${said}` : ''}).`, {
      code: 'E_MODEL_GATED',
      remedy: `Accept its terms at ${endpoint}/${name}${hasToken ? ' with the account whose token is used' : ', then set HF_TOKEN (or run: hf auth login)'}.`,
    });
  if (code === 'RevisionNotFound')
    return new InputError(model, `${endpoint}/${name} has no revision ${JSON.stringify(revision ?? 'main')}.`, {
      code: 'E_MODEL_REVISION',
      remedy: 'A revision is a branch, a tag or a commit of 40 digits.',
    });
  if (code === 'EntryNotFound')
    return new InputError(model, `${endpoint}/${name} lacks a file that it lists: ${new URL(response.url).pathname}.`, {
      code: 'E_MODEL_FILES',
    });
  if (status === 404 || status === 401) {
    const close = known.some((each) => each.toLowerCase() === name.toLowerCase()) ? undefined : didYouMean(name, known);
    const other = hasToken
      ? 'the token that is used may not see it'
      : 'it is private, and needs HF_TOKEN (or: hf auth login)';
    return new InputError(model, `${endpoint} has no such model, or ${other}.`, {
      code: 'E_MODEL_MISSING',
      remedy: close ? `Did you mean ${close}?` : 'See deepearth model list.',
    });
  }
  return new InputError(model, `${endpoint} returns ${status}${said ? `: ${said}` : ''}.`, {
    code: 'E_HUB_STATUS',
  });
}
