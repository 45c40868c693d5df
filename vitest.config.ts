import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['@deepearth/source'] },
  ssr: { resolve: { conditions: ['@deepearth/source', 'node', 'import', 'default'] } },
};

export default defineConfig({
  test: {
    globalSetup: ['tools/build-before-tests.ts'],
    reporters: ['default', './tools/closing-line.ts'],
    projects: [
      ...readdirSync('packages').map((name) => ({
        ...shared,
        test: {
          name,
          root: `packages/${name}`,
          include: ['src/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      })),
      {
        ...shared,
        test: { name: 'workspace', include: ['examples/**/*.test.ts', 'tools/**/*.test.ts'], testTimeout: 120_000 },
      },
    ],
  },
});
