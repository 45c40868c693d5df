// The `deepearth model` commands.

import type { Command } from 'commander';
import { answering } from './answering.ts';

export function addModelCommands(program: Command): void {
  const model = program.command('model').description('V-JEPA 2 checkpoints: list, look into, fetch, convert, check.');

  model
    .command('list')
    .description('The checkpoints that are known by name, and which of them are on this machine.')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/model-list.ts')).modelListCommand));

  model
    .command('info')
    .description('Architecture, parameters, bytes, tokens, TFLOP and peak memory per clip.')
    .argument('<model>', 'name on the Hugging Face Hub, folder, weights file, or "builtin"')
    .option('--frames <count>', 'frames of a clip')
    .option('--size <pixels>', 'pixels of a side, or HEIGHTxWIDTH')
    .option('--batch <clips>', 'clips in one call')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/model-info.ts')).modelInfoCommand));

  model
    .command('fetch')
    .description('Download a checkpoint into the Hugging Face cache (HF_HOME, HF_TOKEN, HF_ENDPOINT count); goes on where it stopped.')
    .argument('<model>', 'name on the Hub: organisation/model, or organisation/model@revision')
    .option('--offline', 'look into the cache only')
    .option('--verify', 'read files that are there again and compare their digests')
    .option('--json', 'the result as JSON, progress as JSON lines on stderr')
    .action(answering(async () => (await import('./commands/model-fetch.ts')).modelFetchCommand));

  model
    .command('convert')
    .description('Convert the weights of a checkpoint into the cache now instead of at first use.')
    .argument('<model>', 'name on the Hub, folder, or "builtin"')
    .option('--precision <precision>', 'fp32, fp16 or int8', 'fp32')
    .option('--weights <file>', 'another weights file of the folder: original.pt')
    .option('--json', 'the result as JSON, progress as JSON lines on stderr')
    .action(answering(async () => (await import('./commands/model-convert.ts')).modelConvertCommand));

  model
    .command('check')
    .description('Compare answers with reference answers: prints relative L2 error and smallest cosine over tokens per case.')
    .argument('<folder>', 'config.json, weights, input.safetensors, expected.safetensors')
    .option('--precision <precision>', 'fp32, fp16 or int8', 'fp32')
    .option('--device <device>', 'cpu, cuda:0, webgpu, coreml, dml or auto', 'cpu')
    .option('--weights <file>', 'another weights file of the folder: original.pt')
    .option('--tolerance <number>', 'largest relative error that passes (default: 1e-5 in fp32, 2e-3 in fp16; in int8 the cosines count)')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/model-check.ts')).modelCheckCommand));

  model
    .command('see')
    .description('Write the pixels that the encoder would get of a picture.')
    .argument('<picture>')
    .argument('<output>', 'a .png file')
    .option('--crop <pixels>', 'side of the crop', '384')
    .option('--fit <fit>', 'crop, resize, tile or pad', 'crop')
    .action(answering(async () => (await import('./commands/model-see.ts')).modelSeeCommand));
}
