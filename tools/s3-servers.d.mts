export interface S3Server {
  readonly name: string;
  readonly path: string | undefined;
}
export const s3Servers: readonly S3Server[];
export function startS3(server: S3Server): Promise<{
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  end(): Promise<void>;
}>;
