export const redisPath: string | undefined;
export const withoutRedis: string;
export function startRedis(options?: { readonly persistent?: boolean }): Promise<{
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  end(): Promise<void>;
}>;
export function freePort(): Promise<number>;
