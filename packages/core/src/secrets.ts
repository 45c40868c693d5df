// Keeps secrets (tokens, passwords, signed addresses) out of everything that a run says of itself.

import { causes } from './errors.ts';

/** What stands in the place of a secret. */
export const mask = '***';

const words = (name: string): string[] =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

const secretWord = /^(?:token|secrets?|password|passwd|pwd|passphrase|credentials?|authorization|apikey|key)$/;
const secretSomewhere = /^(?:secret|password|passwd|passphrase|credentials?|authorization|apikey)$/;

/**
 * Whether an option or an environment variable of this name holds a secret, as its name says: `apiKey`, `HF_TOKEN`,
 * `password`. Counts (`maxFitTokens`) are none.
 */
export function isSecretName(name: string): boolean {
  const all = words(name);
  return (
    secretWord.test(all.at(-1) ?? '') ||
    all.some((word) => secretSomewhere.test(word)) ||
    /access key id$/.test(all.join(' '))
  );
}

/** A user and a password before a host, and parameters of a query that sign it or let in whoever has them. */
const userInfo = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi;
const signedQuery =
  /([?&](?:x-(?:amz|goog|ms)-[a-z-]*(?:signature|credential|token)|sig|signature|(?:[a-z]+[_-])?(?:token|key|secret|password)|awsaccesskeyid)=)[^&#\s"'<>]+/gi;

/** The text without user names, passwords and signatures in its addresses. */
export const withoutUrlSecrets = (text: string): string =>
  text.includes('://') ? text.replaceAll(userInfo, `$1${mask}@`).replaceAll(signedQuery, `$1${mask}`) : text;

type Schema = {
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly def?: {
    readonly innerType?: Schema;
    readonly in?: Schema;
    readonly options?: readonly Schema[];
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly items?: readonly Schema[];
  };
  meta?(): { readonly secret?: unknown } | undefined;
};

/** A schema and those inside its wrappers and unions; `secret` where one of them says `.meta({ secret: true })`. */
function opened(schemas: readonly Schema[]): { readonly all: Schema[]; readonly secret: boolean } {
  const all: Schema[] = [];
  let secret = false;
  const visit = (schema: Schema | undefined): void => {
    if (!schema) return;
    if (schema.meta?.()?.secret === true) secret = true;
    all.push(schema);
    visit(schema.def?.innerType);
    visit(schema.def?.in);
    schema.def?.options?.forEach(visit);
  };
  schemas.forEach(visit);
  return { all, secret };
}

/**
 * A copy of options in which `replace` has taken the place of secrets: where the schema says so, and (`byName`) texts
 * whose option is called like one.
 */
function replaced(
  options: unknown,
  schema: unknown,
  byName: boolean,
  replace: (value: unknown, declared: boolean) => unknown,
): unknown {
  const walk = (value: unknown, name: string, schemas: readonly Schema[]): unknown => {
    const { all, secret } = opened(schemas);
    if (value === undefined || value === null) return value;
    if (secret) return replace(value, true);
    if (typeof value === 'string') return byName && value !== '' && isSecretName(name) ? replace(value, false) : value;
    const inside = (key: string | number): Schema[] =>
      all.flatMap(
        ({ shape, def }) => shape?.[key] ?? def?.items?.[Number(key)] ?? def?.element ?? def?.valueType ?? [],
      );
    if (Array.isArray(value)) return value.map((each, index) => walk(each, name, inside(index)));
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(
      Object.entries(value as object).map(([key, each]) => [key, walk(each, key, inside(key))]),
    );
  };
  return walk(options, '', [schema as Schema]);
}

/**
 * Options as a key sees them: without what the schema declares to be a secret, which decides who may read and not what
 * is read. What is only called like one counts, since a wrong guess would take an old result for a new one.
 */
export const withoutSecrets = (options: unknown, schema: unknown): unknown =>
  replaced(options, schema, false, () => mask);

/** A stage, as far as its options go. */
interface WithOptions {
  readonly options: unknown;
  readonly definition: { readonly options: unknown };
}

/** Takes the secrets of a pipeline out of what is said. */
export interface Concealer {
  /** A text without the secrets, and without those of addresses. */
  text(text: string): string;
  /** An address without its secrets. The path of a file stays as it is: it says which file not to touch. */
  address(path: string): string;
  /** Plain data, each of its texts. */
  value<T>(value: T): T;
  /** The options of a stage, for people. */
  options(stage: WithOptions): unknown;
  /** Changes the messages of an error and of its causes in place; returns the error. */
  error<E>(error: E): E;
}

/** Shorter ones would be found in everything. */
const shortestGiven = 4;
const shortestGuessed = 8;

/** `secrets` are values that came in through environment variables whose names say what they are. */
export function concealer(stages: readonly WithOptions[], secrets: readonly string[] = []): Concealer {
  const values = new Set(secrets.filter((secret) => secret.length >= shortestGiven));
  const see = (value: unknown, declared: boolean): unknown => {
    if (typeof value === 'string' && value.length >= (declared ? shortestGiven : shortestGuessed)) values.add(value);
    else if (typeof value === 'object') for (const each of Object.values(value as object)) see(each, declared);
    return mask;
  };
  for (const { options, definition } of stages) replaced(options, definition.options, true, see);
  // The longest first: one may begin another. Addresses hold them with `%`.
  const known = [...values]
    .flatMap((value) => (/[\ud800-\udfff]/u.test(value) ? [value] : [value, encodeURIComponent(value)]))
    .sort((a, b) => b.length - a.length);
  const text = (said: string): string =>
    withoutUrlSecrets(known.reduce((all, secret) => (all.includes(secret) ? all.replaceAll(secret, mask) : all), said));
  const value = <T>(said: T): T => {
    if (typeof said === 'string') return text(said) as T;
    if (typeof said === 'number') return (values.has(String(said)) ? mask : said) as T;
    if (Array.isArray(said)) return said.map((each: unknown) => value(each)) as T;
    if (said === null || typeof said !== 'object' || Object.getPrototypeOf(said) !== Object.prototype) return said;
    return Object.fromEntries(Object.entries(said).map(([name, each]) => [name, value(each)])) as T;
  };
  return {
    text,
    address: (path) => (path.includes('://') ? text(path) : path),
    value,
    options: ({ options, definition }) => value(replaced(options, definition.options, true, () => mask)),
    error(error) {
      for (const cause of causes(error)) if (cause instanceof Error) concealError(cause as Writable, value);
      return error;
    },
  };
}

/** What an error says. */
const saying = ['message', 'stack', 'remedy', 'subject', 'item', 'issues'] as const;
type Writable = { readonly [K in (typeof saying)[number]]?: unknown };

function concealError(error: Writable, conceal: (said: unknown) => unknown): void {
  // A frozen error stays as it is.
  for (const name of saying) if (error[name] !== undefined) Reflect.set(error, name, conceal(error[name]));
}
