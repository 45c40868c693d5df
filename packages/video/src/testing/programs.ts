// The programs that tests look at videos with, where they are installed.

import { spawnSync } from 'node:child_process';

const there = (command: string): boolean => spawnSync(command, ['-version'], { stdio: 'ignore' }).status === 0;

/** Whether ffmpeg and ffprobe are on the path. */
export const hasFfmpeg = there('ffmpeg') && there('ffprobe');
/** What the title of a test that needs them ends with. */
export const withoutFfmpeg = hasFfmpeg ? '' : ' (skipped: no ffmpeg is installed)';

/** What ffprobe says of the only stream of a file, its frames counted. */
export function probe(path: string): Record<string, unknown> {
  const { stdout, stderr } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', path],
    { encoding: 'utf8' },
  );
  if (stderr) throw new Error(stderr);
  return (JSON.parse(stdout) as { streams: Record<string, unknown>[] }).streams[0]!;
}

/** When each frame is shown, in seconds, and how long. */
export function times(path: string): { readonly pts_time: string; readonly pkt_duration_time?: string }[] {
  const { stdout } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-show_entries', 'frame=pts_time,pkt_duration_time', '-of', 'json', path],
    { encoding: 'utf8' },
  );
  return (JSON.parse(stdout) as { frames: { pts_time: string }[] }).frames;
}

/** All frames as RGB, the way ffmpeg shows them. */
export function decode(path: string, frameBytes: number): Uint8Array[] {
  const { stdout, stderr } = spawnSync(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    { maxBuffer: 1 << 30 },
  );
  if (stderr.length) throw new Error(String(stderr));
  return Array.from(
    { length: stdout.length / frameBytes },
    (_, i) => new Uint8Array(stdout.subarray(i * frameBytes, (i + 1) * frameBytes)),
  );
}
