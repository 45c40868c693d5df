// Writes the documentation as a static site: node tools/docs-site.mjs [--check]
// The guides and decisions of docs/, and the reference of everything that the packages' index files export, from the
// doc comments. A public symbol without a doc comment, a type that is used but not exported, or a link that leads
// nowhere, is an error. --check writes nothing. docs/decisions/532-documentation-by-typedoc.md has the reasons.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Application, Converter, ReflectionKind } from 'typedoc';
import { packageNames } from './package-exports.mjs';

const root = join(import.meta.dirname, '..');
const documents = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => `${folder}/${name}`);

/** Links of the site's pages to files that are not there, and links that leave out the page's own folder. */
function brokenLinks(site) {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.html'));
  return pages.flatMap((page) =>
    [...readFileSync(join(site, page), 'utf8').matchAll(/\s(?:href|src)="([^"#?]+)[^"]*"/g)]
      .map(([, target]) => decodeURI(target))
      .filter((target) => !/^(?:[a-z]+:|data:)/.test(target))
      .filter((target) => target.startsWith('/') || !existsSync(join(site, dirname(page), target)))
      .map((target) => `${page}: there is no ${target}`),
  );
}

const app = await Application.bootstrap({
  name: 'DeepEarth Streams',
  readme: join(root, 'docs/README.md'),
  entryPoints: packageNames().map((name) => join(root, `packages/${name}/src/index.ts`)),
  tsconfig: join(root, 'tsconfig.check.json'),
  projectDocuments: [...documents('docs'), ...documents('docs/decisions')].map((path) => join(root, path)),
  out: join(root, 'site'),
  // A page works from a file, from any folder of a server, and without a network.
  hideGenerator: true,
  githubPages: false,
  sort: ['source-order'],
  excludeExternals: true,
  excludePrivate: true,
  excludeInternal: true,
  logLevel: 'Warn',
  highlightLanguages: ['bash', 'diff', 'javascript', 'json', 'python', 'typescript', 'yaml'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
  treatWarningsAsErrors: true,
});
app.options.setValue('skipErrorChecking', true);

// Packages are called by their names, guides by their headings.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module))
    module.name = `@deepearth/${module.name.split('/')[0]}`;
  for (const document of project.getReflectionsByKind(ReflectionKind.Document)) {
    const heading = document.content.find(({ kind }) => kind === 'text')?.text.match(/^# (.+)$/m)?.[1];
    if (heading) document.name = heading.replaceAll('`', '');
  }
});

const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
// typedoc asks of one package only whether it exports the types that it uses.
app.options.setValue('validation', { notExported: true, invalidLink: false, invalidPath: false, rewrittenLink: false });
for (const name of packageNames()) {
  project.packageName = `@deepearth/${name}`;
  app.validate(project);
}
for (const symbol of project.getReflectionsByKind(ReflectionKind.Interface))
  for (const type of symbol.extendedTypes ?? [])
    if (type.type === 'reference' && type.package?.startsWith('@deepearth/') && !type.reflection)
      app.logger.error(`${symbol.getFriendlyFullName()} extends ${type.name}, which no index file exports`);
// What an index file exports needs a doc comment; members say what they are by name and type.
for (const module of project.getReflectionsByKind(ReflectionKind.Module))
  for (const symbol of module.children ?? [])
    if (symbol.kind !== ReflectionKind.Reference && !symbol.hasComment() && !symbol.type?.declaration?.hasComment())
      if (!symbol.signatures?.some((signature) => signature.hasComment()))
        app.logger.error(`${module.name} ${symbol.name} (${symbol.sources?.[0]?.fileName ?? '?'}) has no doc comment`);
if (!process.argv.includes('--check')) {
  await app.generateOutputs(project);
  for (const link of brokenLinks(join(root, 'site'))) app.logger.error(link);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
