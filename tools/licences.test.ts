import { expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { isMet, wrongPackages } from './check-licences.mjs';
// @ts-expect-error A tool is plain JavaScript.
import { listOf, sbom } from './sbom.mjs';

const taken = (licence: string): boolean => ['MIT', 'ISC'].includes(licence);

test.each([
  ['MIT', true],
  ['GPL-3.0', false],
  ['MIT AND GPL-3.0', false],
  ['GPL-3.0 AND MIT', false],
  ['GPL-3.0 OR MIT', true],
  ['(GPL-2.0 OR MIT)', true],
  ['(MIT AND ISC) OR GPL-2.0', true],
  ['MIT AND (GPL-2.0 OR AGPL-3.0)', false],
  ['', false],
  ['SEE LICENSE IN x', false],
])('the licences "%s" are met: %s', (expression, met) => expect(isMet(expression, taken)).toBe(met));

const lock = (path: string, entry: object): unknown => ({ packages: { '': {}, [path]: entry } });

test.each([
  ['node_modules/a', { license: 'MIT' }, []],
  ['node_modules/a', { license: 'AGPL-3.0' }, ['node_modules/a: the licence AGPL-3.0 is not listed']],
  ['node_modules/a', {}, ['node_modules/a: the licence (none) is not listed']],
  ['node_modules/a', { license: 'GPL-3.0', dev: true }, []],
  [
    'packages/x/node_modules/a',
    { license: 'LGPL-3.0-or-later' },
    ['packages/x/node_modules/a: the licence LGPL-3.0-or-later is not listed'],
  ],
  ['node_modules/@img/sharp-libvips-linux-x64', { license: 'LGPL-3.0-or-later', optional: true }, []],
  [
    'node_modules/@img/sharp-libvips-linux-x64',
    { license: 'LGPL-3.0-or-later' },
    ['node_modules/@img/sharp-libvips-linux-x64: the licence LGPL-3.0-or-later is not listed'],
  ],
  [
    'node_modules/a',
    { license: 'MIT', dev: true, hasInstallScript: true },
    ['node_modules/a: has an install script that is not listed'],
  ],
  ['node_modules/esbuild', { license: 'MIT', hasInstallScript: true }, []],
  ['node_modules/@deepearth/core', { link: true }, []],
])('%s with %j', (path, entry, wrong) => expect(wrongPackages(lock(path, entry))).toEqual(wrong));

test('the list of components is the same each time, and has no tool for development', () => {
  const [first, second] = [sbom(), sbom()] as { components: { name: string }[]; metadata: { component: object } }[];
  expect(JSON.stringify(first)).toBe(JSON.stringify(second));
  const names = first!.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['sharp', 'onnxruntime-node', 'zod', '@deepearth/core']));
  expect(names).not.toContain('eslint');
  expect(first!.metadata).toMatchObject({ component: { name: 'deepearth-streams' } });
});

test('the list of components leaves out when it was made and what only development needs', () => {
  const component = { 'bom-ref': 'root@1.0.0', name: 'folder' };
  const list = {
    serialNumber: 'urn:uuid:1',
    metadata: { timestamp: 't', component },
    components: [
      { 'bom-ref': '@a/b@2.0.0', name: 'b' },
      { 'bom-ref': 'tool@1.0.0', name: 'tool' },
    ],
    dependencies: [
      { ref: 'root@1.0.0', dependsOn: ['@a/b@2.0.0', 'tool@1.0.0'] },
      { ref: 'tool@1.0.0', dependsOn: [] },
    ],
  };
  const packages = {
    '': { name: 'root', version: '1.0.0' },
    'node_modules/@a/b': { version: '2.0.0' },
    'node_modules/tool': { version: '1.0.0', dev: true },
  };
  expect(listOf(list, { packages })).toEqual({
    metadata: { component: { ...component, name: 'root' } },
    components: [{ 'bom-ref': '@a/b@2.0.0', name: '@a/b' }],
    dependencies: [{ ref: 'root@1.0.0', dependsOn: ['@a/b@2.0.0'] }],
  });
});
