import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { lineage } from './lineage.ts';
import { memoryStore } from './memory-store.ts';
import { definePipeline, use } from './pipeline.ts';
import { run } from './run.ts';
import { concealer, isSecretName, mask, withoutSecrets, withoutUrlSecrets } from './secrets.ts';
import { defineSource } from './stage.ts';
import { InputError } from './errors.ts';

describe('names', () => {
  test.each([
    'token',
    'HF_TOKEN',
    'apiKey',
    'AWS_SECRET_ACCESS_KEY',
    'accessKeyId',
    'password',
    'Authorization',
    'secretName',
  ])('of secrets: %s', (name) => expect(isSecretName(name)).toBe(true));
  test.each(['tokens', 'maxFitTokens', 'keyframe', 'monkey', 'model', 'directory', ''])('of others: %s', (name) =>
    expect(isSecretName(name)).toBe(false),
  );
});

test.each([
  ['https://ann:pw@host/x', 'https://***@host/x'],
  ['s3://b/k?X-Amz-Signature=abc&x=1', 's3://b/k?X-Amz-Signature=***&x=1'],
  ['at https://h/a?sv=1&sig=a%2Fb&se=2, then', 'at https://h/a?sv=1&sig=***&se=2, then'],
  ['https://h/?access_token=1#f', 'https://h/?access_token=***#f'],
  ['https://h/a?page=1', 'https://h/a?page=1'],
  ['mail ann@host', 'mail ann@host'],
])('an address without its secrets: %s', (text, shown) => expect(withoutUrlSecrets(text)).toBe(shown));

const options = z.strictObject({
  url: z.string().default('https://ann:pw@host/x?sig=abc'),
  account: z.string().meta({ secret: true }).optional(),
  password: z.string().optional(),
  inner: z.strictObject({ apiKey: z.string().optional(), rate: z.number().default(1) }).default({ rate: 1 }),
});

const fails = defineSource({
  type: 'fails',
  summary: 'Fails with all its options in the message.',
  options,
  examples: [],
  describe: () => ({ output: { kind: 'frame', axes: [], dtype: null, count: null }, notes: [], warnings: ['is odd'] }),
  async *process(_, { options: given, log, recordFinding, recordInput }) {
    const said = JSON.stringify(given);
    log.warn(said);
    log.info(said);
    recordFinding('given', { said });
    recordInput({ path: given.url, bytes: 1, sha256: 'a' });
    throw new InputError(given.account ?? 'x', said, { cause: new Error(said) });
  },
});

test('a run says no secret: not in its manifest, its events, its errors and their causes', async () => {
  const secrets = ['from-the-environment', 'account-name', 'hunter2-hunter2', 'key-of-the-api'];
  const given = {
    url: `https://ann:pw123@host/${secrets[0]}?sig=sig-of-it`,
    account: secrets[1],
    password: secrets[2],
    inner: { apiKey: secrets[3] },
  };
  const store = memoryStore();
  const running = run(definePipeline([use(fails, given)], { secrets: [secrets[0]!] }), { store });
  const said: unknown[] = [];
  running.events$.subscribe((event) => said.push(event));
  const error = await running.result.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  const file = (await store.get('manifest.json'))!;
  const manifest = new TextDecoder().decode(await file.read(0, file.size));
  const all = [
    manifest,
    JSON.stringify(said),
    ...[error, error!.cause, (error!.cause as Error).cause].flatMap((each) => [
      (each as Error).message,
      (each as Error).stack,
    ]),
    (error!.cause as InputError).subject,
  ].join('\n');
  for (const secret of [...secrets, 'pw123', 'sig-of-it']) expect(all).not.toContain(secret);
  expect(JSON.parse(manifest)).toMatchObject({
    status: 'failed',
    pipeline: [
      {
        with: { account: mask, password: mask, inner: { apiKey: mask, rate: 1 }, url: `https://***@host/***?sig=***` },
      },
    ],
  });
});

test('mistakes in options do not show them', () => {
  const wrong = { password: 17, inner: { rate: 'from-the-environment' } };
  expect(() => definePipeline([use(fails, wrong as never)], { secrets: ['from-the-environment'] })).toThrow(
    /^(?!.*(?:17|from-the-environment)).*password: must be a text, got \*\*\*.*$/s,
  );
});

test('keys leave out what a schema declares to be secret, and nothing else', () => {
  const key = (given: z.input<typeof options>): string => lineage('x', withoutSecrets(options.parse(given), options));
  expect(key({ account: 'a' })).toBe(key({ account: 'b' }));
  expect(key({ password: 'a' })).not.toBe(key({ password: 'b' }));
  expect(key({ inner: { rate: 1 } })).not.toBe(key({ inner: { rate: 2 } }));
});

test('data without secrets stays as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const conceal = concealer([{ options: {}, definition: { options } }], ['not in there at all']);
      expect(conceal.value(value)).toEqual(value);
      expect(withoutSecrets({ value }, z.any())).toEqual({ value });
    }),
    { numRuns: 50 },
  );
});
