export const postgresPath: string | undefined;
export const withoutPostgres: string;
export function startPostgres(): Promise<{ readonly url: string; end(): void }>;
