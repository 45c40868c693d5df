import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const stages = [
  'sources',
  'transforms',
  'windowers',
  'model-vjepa2',
  'model-dinov3',
  'aggregators',
  'reducers',
  'renderers',
  'sinks',
  'video',
  'eo',
];

/** Who may import whom; `nx graph` draws the same. */
const boundaries = [
  { sourceTag: 'scope:core', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:formats', onlyDependOnLibsWithTags: ['scope:core'] },
  { sourceTag: 'scope:runtime', onlyDependOnLibsWithTags: ['scope:core', 'scope:formats'] },
  { sourceTag: 'scope:onnx', onlyDependOnLibsWithTags: ['scope:core', 'scope:formats'] },
  { sourceTag: 'scope:vision', onlyDependOnLibsWithTags: ['scope:core', 'scope:formats'] },
  { sourceTag: 'scope:testing', onlyDependOnLibsWithTags: ['scope:core', 'scope:formats', 'scope:runtime'] },
  { sourceTag: 'scope:queue', onlyDependOnLibsWithTags: ['scope:core'] },
  ...stages.map((name) => ({
    sourceTag: `scope:${name}`,
    onlyDependOnLibsWithTags: [
      'scope:core',
      'scope:formats',
      'scope:vision',
      'scope:onnx',
      'scope:runtime',
      'scope:testing',
    ],
  })),
  { sourceTag: 'scope:explorer', onlyDependOnLibsWithTags: ['*'] },
  { sourceTag: 'scope:cli', onlyDependOnLibsWithTags: ['*'] },
  { sourceTag: 'scope:workspace', onlyDependOnLibsWithTags: ['*'] },
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/test-results/',
      'site/',
      '**/out/',
      '**/fixtures/',
      '**/*.generated.ts',
      '*/*/wasm/',
      'packages/cli/page*/',
    ],
  },
  ...tseslint.configs.recommended,
  {
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        // Tests ask where the browser and databases are in one place, and kernels are compiled in one; the simulation
        // is tested beside the tools.
        {
          enforceBuildableLibDependency: false,
          allow: [
            '/tools/(chromium|redis|postgres|s3-servers|tcp-proxy|wasm-kernel)\\.mjs$',
            '/benchmarks/support/simulate-fleet\\.mjs$',
          ],
          depConstraints: boundaries,
        },
      ],
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is a seed in the options.' },
      ],
    },
  },
  {
    // Rules that need types: a promise that is not awaited loses its error.
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts', 'apps/*/src/**/*.tsx', 'examples/**/*.ts', 'tools/**/*.ts'],
    // One program for sources and tests, without a build; the packages' own tsconfig.json leave the tests out.
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    files: ['packages/core/src/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: ['@deepearth/*', 'onnxruntime*', 'sharp', 'gifenc'] }] },
  },
);
