// Puts files into the documents that show them: node tools/embed-examples.mjs
// A line `<!-- examples/embed.mjs -->` is followed by a code block with that file; `<!-- path from "start" to "end"
// -->` takes the lines between two that hold these words. `deepearth init --template` gets its templates here as well.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = new URL('../', import.meta.url);
const marker =
  /^<!-- ([\w./-]+\.(?:mjs|ts|yaml|yml|json|py|sbatch))(?: from "([^"]+)" to "([^"]+)")? -->\n(?:```\w*\n[\s\S]*?\n```\n)?/gm;
const languages = { py: 'python', mjs: 'js', ts: 'ts', yaml: 'yaml', yml: 'yaml', sbatch: 'bash', json: 'json' };

/** The documents that may hold examples, relative to the repository. */
export const documents = () => [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** A document's text with every embedded file brought up to date. */
export const embedded = (text) =>
  text.replace(marker, (_, path, start, end) => {
    const lines = readFileSync(new URL(path, root), 'utf8').trimEnd().split('\n');
    const first = start === undefined ? 0 : lines.findIndex((line) => line.includes(start));
    const last =
      end === undefined ? lines.length - 1 : lines.findIndex((line, index) => index >= first && line.includes(end));
    if (first < 0 || last < 0) throw new Error(`${path} has no lines from "${start}" to "${end}"`);
    const head = `<!-- ${path}${start === undefined ? '' : ` from "${start}" to "${end}"`} -->`;
    return `${head}\n\`\`\`${languages[path.split('.').at(-1)]}\n${lines.slice(first, last + 1).join('\n')}\n\`\`\`\n`;
  });

/** The examples that `deepearth init --template` writes, and the files beside their pipelines. */
const templates = {
  demo: [],
  'frames-to-package': [],
  'overlays-from-features': [],
  panels: [],
  tiles: [],
  'two-encoders': [],
  'own-reducer': ['my-reducer.mjs'],
  'own-encoder': ['my-encoder.mjs'],
};

/** Where the command keeps its templates. */
export const templateModule = 'packages/cli/src/templates.generated.ts';

/** The text of that module. Comments of the examples name paths of this repository, those of templates their own. */
export function templateSource() {
  const read = (path) => readFileSync(new URL(`examples/${path}`, root), 'utf8');
  const entries = Object.entries(templates).map(([name, beside]) => {
    const pipeline = read(beside.length ? `${name}/pipeline.yaml` : `${name}.yaml`)
      .replace(/\bexamples\/[\w-]+(?:\/pipeline)?\.yaml/g, 'pipeline.yaml')
      .replace(/npm run demo/g, 'npx deepearth run pipeline.yaml');
    return [
      name,
      { 'pipeline.yaml': pipeline, ...Object.fromEntries(beside.map((file) => [file, read(`${name}/${file}`)])) },
    ];
  });
  return `// The examples as templates of \`deepearth init\`; tools/embed-examples.mjs writes this file.

/** Files by template and name. */
export const templates: Readonly<Record<string, Readonly<Record<string, string>>>> = ${JSON.stringify(Object.fromEntries(entries), null, 2)};
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const document of documents()) {
    const url = new URL(document, root);
    const before = readFileSync(url, 'utf8');
    const after = embedded(before);
    if (after === before) continue;
    writeFileSync(url, after);
    console.log(`brought up to date: ${fileURLToPath(url)}`);
  }
  const module = new URL(templateModule, root);
  writeFileSync(module, templateSource());
}
