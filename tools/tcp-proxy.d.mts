export interface Proxy {
  readonly port: number;
  delayMilliseconds: number;
  bytesPerSecond: number;
  cutAfterBytes: number;
  still: boolean;
  away: boolean;
  readonly sent: number;
  readonly cuts: number;
  cut(): void;
  end(): Promise<void>;
}
export function startProxy(target: number): Promise<Proxy>;
