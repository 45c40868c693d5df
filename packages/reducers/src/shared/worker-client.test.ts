import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const built = (file: string): string => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href);

test('a thread that is let finish keeps the process alive until it has ended, its late reply too', () => {
  const script = `
    import { startWorker } from '@deepearth/core/worker-client';
    const worker = await startWorker(new URL(${built('pca/pca-worker.js')}), { native: true });
    await worker.request('start', { channels: 600, engine: 'auto' });
    const block = new Float32Array(2048 * 600).map((_, i) => Math.sin(i));
    worker.request('add', block, [block.buffer]).catch(() => undefined);
    await worker.close();
    console.log('closed');
  `;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect({ stdout, status }).toEqual({ stdout: 'closed\n', status: 0 });
});
