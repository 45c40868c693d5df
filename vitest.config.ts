import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Nx asks for colours; the programs that tests start would write them into pipes.
delete process.env['FORCE_COLOR'];

const nxProject = process.env['NX_TASK_TARGET_PROJECT'];

/** The only test files to run, relative to the repository (tools/test.mjs --beside); empty: all of them. */
const only = process.env['DEEPEARTH_TEST_FILES']?.split(' ') ?? [];

const shared = {
  resolve: { conditions: ['@deepearth/source'] },
  ssr: { resolve: { conditions: ['@deepearth/source', 'node'] } },
};
const project = (name: string, root: string, include: string[], timeout: number, exclude: string[] = []) => ({
  ...shared,
  test: {
    name,
    root: fileURLToPath(new URL(root, import.meta.url)),
    include: only.length
      ? only.flatMap((file) => (file.startsWith(`${root}/`) ? file.slice(root.length + 1) : []))
      : include,
    exclude: ['**/node_modules/**', ...exclude],
    testTimeout: timeout,
    hookTimeout: timeout,
    // What is waited for comes late where other tests run beside it: one second, the default, says nothing.
    expect: { poll: { timeout: 15_000 } },
  },
});

export default defineConfig({
  test: {
    globalSetup: ['tools/build-before-tests.ts'],
    reporters: ['default', './tools/closing-line.ts'],
    // Nx runs the tests of two projects at a time (nx.json); those of the command line are a third of all and end
    // alone.
    ...(nxProject && { maxWorkers: nxProject === '@deepearth/cli' ? '100%' : '50%' }),
    projects: [
      ...readdirSync(new URL('packages', import.meta.url)).map((name) =>
        project(name, `packages/${name}`, ['src/**/*.test.ts'], 120_000),
      ),
      ...readdirSync(new URL('apps', import.meta.url), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => project(name, `apps/${name}`, ['src/**/*.test.ts'], 120_000)),
      project('examples', 'examples', ['**/*.test.ts'], 240_000),
      project('tools', 'tools', ['*.test.ts'], 240_000, ['docs.test.ts']),
      project('docs', 'tools', ['docs.test.ts'], 240_000),
    ],
  },
});
