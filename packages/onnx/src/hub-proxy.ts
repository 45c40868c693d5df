// The network as the environment says it is reached: through a proxy, or directly. Node 20's fetch reads none of these
// variables.

import { BlockList, isIP } from 'node:net';
import { InputError } from '@deepearth/core/errors';
import { causesOf } from './hub-patience.ts';
import type { Variables } from './hub-environment.ts';

type Protocol = 'http' | 'https';

/**
 * What a variable says: lower case goes before upper case, as in curl and Python, and `ALL_PROXY` stands for those that
 * are not set.
 */
const said = (variables: Variables, name: string): string | undefined =>
  (variables[name.toLowerCase()] ?? variables[name.toUpperCase()])?.trim();

/**
 * The proxy for an address, with the variable that names it; `undefined` where it is asked directly. Throws an
 * `InputError` for a proxy that is no address.
 */
export function proxyFor(url: URL, variables: Variables): { proxy: URL; variable: string } | undefined {
  const protocol = url.protocol.slice(0, -1) as Protocol;
  if (protocol !== 'http' && protocol !== 'https') return undefined;
  const variable = [`${protocol}_proxy`, 'all_proxy'].find((name) => said(variables, name) !== undefined);
  const text = variable && said(variables, variable);
  if (!text || goesDirectly(url, said(variables, 'no_proxy') ?? '')) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new InputError(variable.toUpperCase(), `is no address of an HTTP proxy: ${JSON.stringify(text)}.`, {
      code: 'E_PROXY',
      remedy: 'It looks like http://proxy.example.org:3128, or http://name:password@proxy.example.org:3128.',
    });
  return { proxy: new URL(address), variable: variable.toUpperCase() };
}

const hostOf = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();

/**
 * Whether `NO_PROXY` names a host: `*`, a name with all names below it (with or without a dot in front), an address, a
 * range of addresses (`10.0.0.0/8`), each with a port where only that one is meant.
 */
export function goesDirectly(url: URL, list: string): boolean {
  const host = hostOf(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      if (entry === '*') return true;
      const [address, bits] = entry.split('/') as [string, string?];
      if (bits !== undefined) return inRange(host, address, Number(bits));
      const [, name = '', only] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
      const wanted = hostOf(isIP(entry) ? entry : name).replace(/^\*?\./, '');
      return (only === undefined || isIP(entry) || only === port) && (host === wanted || host.endsWith(`.${wanted}`));
    });
}

function inRange(host: string, address: string, bits: number): boolean {
  const [family, own] = [isIP(hostOf(address)), isIP(host)];
  if (!family || family !== own || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(hostOf(address), bits, kind);
  return list.check(host, kind);
}

/**
 * `fetch` that goes through the proxy of an address where the environment names one (`HTTP_PROXY`, `HTTPS_PROXY`,
 * `ALL_PROXY`, `NO_PROXY`). Throws an `InputError` for a proxy that refuses.
 */
export function proxiedFetch(variables: Variables = process.env): typeof fetch {
  const agents = new Map<string, Promise<(typeof import('undici'))['ProxyAgent']['prototype']>>();
  const open = async (proxy: URL) => {
    const { ProxyAgent } = await import('undici');
    const { username, password, origin } = proxy;
    const [name, secret] = [username, password].map(decodeURIComponent);
    return new ProxyAgent({
      uri: origin,
      // Plain http is asked of the proxy itself: many allow tunnels to port 443 alone.
      proxyTunnel: false,
      ...(username && { token: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` }),
    });
  };
  // undici's package does not take a signal of `AbortSignal.any` in Node 20: it gets a plain one that follows it.
  const followers = new WeakMap<AbortSignal, AbortSignal>();
  const plain = (signal: AbortSignal): AbortSignal => {
    const known = followers.get(signal);
    if (known) return known;
    const follower = new AbortController();
    const abort = (): void => follower.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    followers.set(signal, follower.signal);
    return follower.signal;
  };
  // A redirect may lead to a host with another way: each step is taken by itself.
  const step = async (url: URL, init: RequestInit | undefined): Promise<Response> => {
    const found = proxyFor(url, variables);
    if (!found) return fetch(url, { ...init, redirect: 'manual' });
    const { proxy, variable } = found;
    let agent = agents.get(proxy.href);
    if (!agent) agents.set(proxy.href, (agent = open(proxy)));
    const refuse = (status: number, cause?: unknown): never => {
      throw new InputError(
        proxy.host,
        status === 407
          ? `the proxy of ${variable} asks for ${proxy.username ? 'another name and password' : 'a name and a password'} (407).`
          : `the proxy of ${variable} does not lead to ${url.host} (${status}).`,
        {
          code: 'E_PROXY',
          remedy:
            status === 407
              ? `Set ${variable} to http://name:password@${proxy.host}.`
              : `Name another proxy in ${variable}, or the host in NO_PROXY where it is reached directly.`,
          cause,
        },
      );
    };
    const { fetch: own } = await import('undici');
    const response = await own(url, {
      ...(init as import('undici').RequestInit),
      ...(init?.signal && { signal: plain(init.signal) }),
      redirect: 'manual',
      dispatcher: await agent,
    }).catch((error: unknown) => {
      const texts = [...causesOf(error)].map(({ message }) => message).join('\n');
      const status = Number(/Proxy\D*\((\d{3})\)/.exec(texts)?.[1] ?? 0);
      if (status >= 400 && status < 500) refuse(status, error);
      throw error;
    });
    if (response.status === 407) {
      await response.body?.cancel();
      refuse(407);
    }
    return response as unknown as Response;
  };
  const any = ['http_proxy', 'https_proxy', 'all_proxy'].some((name) => said(variables, name));
  if (!any) return fetch;
  return async (input, init) => {
    let url = new URL(input instanceof Request ? input.url : input);
    let asked = init;
    for (let redirects = 0; ; redirects++) {
      const response = await step(url, asked);
      const to = response.headers.get('location');
      if (init?.redirect === 'manual' || to === null || ![301, 302, 303, 307, 308].includes(response.status))
        return response;
      await response.body?.cancel();
      if (redirects === mostRedirects) throw new Error(`${url.origin} redirects more than ${mostRedirects} times`);
      const next = new URL(to, url);
      const headers = new Headers(asked?.headers);
      // A token is for the host it was sent to.
      if (next.origin !== url.origin) headers.delete('authorization');
      // As browsers do: what was posted is answered elsewhere.
      const get = response.status === 303 || (response.status < 303 && asked?.method === 'POST');
      asked = { ...asked, headers, ...(get && { method: 'GET', body: null }) };
      url = next;
    }
  };
}

const mostRedirects = 20;
