// The commands, their arguments and their help, in one file: every further module costs the start of --help. What a
// command does is loaded when it is called.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Command } from 'commander';

// Commander is CommonJS: required instead of imported, it is there in two thirds of the time.
const { Command: Parser, InvalidArgumentError } = createRequire(import.meta.url)(
  'commander',
) as typeof import('commander');

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** For options that may be given several times. */
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** A name for what is written; an empty one would be the working directory. */
const named = (name: string): string => {
  if (name.trim() === '') throw new InvalidArgumentError('It is empty: name what is to be written.');
  return name;
};

/** Makes an action of a function that returns the exit status. */
const answering =
  <Args extends readonly unknown[]>(load: () => Promise<(...args: Args) => Promise<number>>) =>
  async (...args: unknown[]): Promise<void> => {
    const action = await load();
    process.exitCode = await action(...(args.slice(0, -1) as unknown as Args));
  };

/** `exitCodes` in words; a test compares them. */
const exitCodesHelp = `
Exit status:
  0    done
  1    a stage failed, a file was refused, a check went past its tolerance
  2    the configuration or the command line is wrong
  3    finished, but items were skipped
  4    data that came in is missing or broken
  129  cancelled by SIGHUP (its terminal was closed)
  130  cancelled (Ctrl-C); 143 by SIGTERM`;

/** The whole command line. Usage errors throw a `CommanderError`; `writeErr` gets what is said of them. */
export function makeProgram(writeErr = (text: string): void => void process.stderr.write(text)): Command {
  const program = new Parser('deepearth')
    .configureOutput({ writeErr })
    .description('Turns frame sequences, video and Earth-observation imagery into V-JEPA 2 embeddings and pictures.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help on a command')
    .exitOverride()
    .showHelpAfterError('Run with --help to list the commands.')
    .addHelpText(
      'after',
      `${exitCodesHelp}

Start here:
  deepearth init                     write a pipeline to start from
  deepearth run pipeline.yaml        run it
  deepearth stages                   what a pipeline can be made of`,
    );

  program
    .command('run')
    .description(
      'Run a pipeline. Results are files in the output folder; progress goes to the terminal, JSON lines to a pipe.',
    )
    .argument('<pipeline>', 'YAML file')
    .option('-s, --set <path=value>', 'replace a value of the file: STAGE.with.OPTION=VALUE (repeatable)', collect)
    .option(
      '-o, --output <folder>',
      'output folder, or s3://BUCKET/PREFIX (default: `output` of the file, else NAME-output)',
      named,
    )
    .option('--resume', 'reuse the valid results of an earlier run there; make only what is missing')
    .option('--overwrite', 'replace and remove the results of another pipeline that lie there')
    .option(
      '--shard <i/n>',
      'encode one of n parts, for merge; /n takes the number from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID',
    )
    .option('--no-shard', 'run the whole pipeline, also as a task of an array')
    .option('--json', 'one JSON line per event on stdout, also on a terminal')
    .addHelpText(
      'after',
      `
Examples:
  deepearth run pipeline.yaml --output results
  deepearth run pipeline.yaml --set frames.with.directory=photos --set tokens.with.precision=int8
  deepearth run pipeline.yaml --json | jq -r 'select(.type == "artifact").path'

The first part of --set is the id of a stage (the name after the slash of its type, unless the file gives another).
Ctrl-C stops cleanly: only whole files are left, and --resume goes on from there.`,
    )
    .action(answering(async () => (await import('./commands/run.ts')).runCommand));

  program
    .command('merge')
    .description('Make one result of the shards of a pipeline (run --shard), the same as a run that was not cut.')
    .argument('<pipeline>', 'YAML file')
    .option('-s, --set <path=value>', 'replace a value of the file, as the shards had it (repeatable)', collect)
    .option('-o, --output <folder>', 'output folder of the shards', named)
    .option('--overwrite', 'replace and remove the results of another pipeline that lie there')
    .option('--keep-shards', 'leave the shards there, for another merge with other options of what follows the encoder')
    .option('--json', 'one JSON line per event on stdout, also on a terminal')
    .action(answering(async () => (await import('./commands/merge.ts')).mergeCommand));

  program
    .command('validate')
    .description('Check pipeline files without touching any data; prints every issue with its place.')
    .argument('<files...>', 'YAML files')
    .option('-s, --set <path=value>', 'replace a value of the files (repeatable)', collect)
    .option('-o, --output <folder>', 'output folder of the run, as run takes it', named)
    .option('--overwrite', 'accept results of another pipeline in the output folder')
    .option('--json', 'issues as JSON')
    .action(answering(async () => (await import('./commands/validate.ts')).validateCommand));

  program
    .command('plan')
    .description('Print the plan: shapes, counts, memory and disk per stage. Reads names and headers, no data.')
    .argument('<pipeline>', 'YAML file')
    .option('-s, --set <path=value>', 'replace a value of the file (repeatable)', collect)
    .option('--jobs <count>', 'also cut the encoding into so many shards, and name each')
    .option('--job-seconds <seconds>', 'in place of --jobs: shards of about so many seconds, by --clip-seconds')
    .option('--clip-seconds <seconds>', 'how long a clip takes to encode, as a run or a benchmark showed')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/plan.ts')).planCommand));

  program
    .command('graph')
    .description('Print the graph of a pipeline.')
    .argument('<pipeline>', 'YAML file')
    .option('-s, --set <path=value>', 'replace a value of the file (repeatable)', collect)
    .option('-f, --format <format>', 'mermaid, dot or json', 'mermaid')
    .action(answering(async () => (await import('./commands/graph.ts')).graphCommand));

  program
    .command('stages')
    .description('List the stages a pipeline can be made of, or describe one.')
    .argument('[type]', 'a stage type (reducer/umap), or a kind (reducer)')
    .option('-p, --plugin <module>', 'also the stages of a plugin (repeatable)', collect)
    .option('--json', 'as JSON, options as JSON Schema')
    .action(answering(async () => (await import('./commands/stages.ts')).stagesCommand));

  program
    .command('schema')
    .description('Print the JSON Schema of pipeline files, for completion and checks in editors.')
    .option('-p, --plugin <module>', 'also the stages of a plugin (repeatable)', collect)
    .option('-o, --output <file>', 'write it to a file and say how to name it in a pipeline', named)
    .action(answering(async () => (await import('./commands/schema.ts')).schemaCommand));

  program
    .command('init')
    .description('Write a pipeline to start from.')
    .argument('[folder]', 'where pipeline.yaml goes', '.')
    .option('-t, --template <name>', 'one of the examples (default: first, a small one with comments)')
    .option('--list', 'list the templates')
    .option('--force', 'overwrite files that are there')
    .action(answering(async () => (await import('./commands/init.ts')).initCommand));

  program
    .command('doctor')
    .description('Check this machine: Node, cores, memory, devices, picture formats, cache, disk.')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/doctor.ts')).doctorCommand));

  program
    .command('inspect')
    .description(
      'Print what a .pt, .safetensors, .npy or .npz file, a GeoTIFF, a Zarr store, a NetCDF file, a STAC document or a video holds. Nothing in it is executed.',
    )
    .argument('<file>')
    .option('--variable <name>', 'of a Zarr store or a NetCDF file this variable alone')
    .option('--json', 'as JSON')
    .option(
      '--digest',
      'with the SHA-256 of all values, and the first of every tensor, the statistics of every variable or the mean colours of every frame',
    )
    .option(
      '--stats',
      'minimum, maximum, mean, standard deviation, NaN and infinities (default: of files below 64 MiB)',
    )
    .option('--no-stats', 'without them')
    .option(
      '--picture <file>',
      'draw a PNG: of tokens three principal components as colours, of a GeoTIFF, the first item of STAC, a Zarr store or a NetCDF file a small picture, of a video three frames',
      named,
    )
    .option('--force', 'replace a picture that is there')
    .action(answering(async () => (await import('./commands/inspect.ts')).inspectCommand));

  program
    .command('convert')
    .description('Convert files of tensors between .pt, .safetensors, .npz and .npy, of any size.')
    .argument('<from>', 'a file, or a folder with the folders in it')
    .argument('<to>', 'a file with the ending of its format, or a folder')
    .option('-t, --to <format>', 'format, where <to> is a folder: safetensors, pt, npz or npy')
    .option(
      '-d, --dtype <type>',
      'what floats become: same, float32, float16 or int8 (with NAME.scale beside NAME)',
      'same',
    )
    .option('--tensor <name>', 'this tensor alone, by the name that inspect shows')
    .option('--force', 'replace files that are there')
    .option('--json', 'the result as JSON, progress as JSON lines on stderr')
    .addHelpText(
      'after',
      `
Examples:
  deepearth convert features_frames_0000_0015.pt window.safetensors
  deepearth convert output/features arrays --to npz --dtype float16
  deepearth convert tokens.safetensors tokens.npy --tensor features

.pt keeps what stands beside the tensors, .safetensors keeps it as texts; .npz and .npy hold tensors alone, and what is left out is said.
A file of a folder that cannot be converted is listed and left out; the exit status is 3 then.`,
    )
    .action(answering(async () => (await import('./commands/convert.ts')).convertCommand));

  program
    .command('reduce')
    .description('Reduce the tokens of files to a few numbers each, on one machine or on several.')
    .argument('<files...>', 'tokens: .npy, .npz, .safetensors or .pt files of [..., channels], in this order')
    .option('-w, --with <method>', 'umap, pca, kmeans or random-projection (default: umap, or what --model is)')
    .option('-s, --set <option=value>', 'an option of the method: components=3 (repeatable)', collect)
    .requiredOption('-o, --output <file>', 'where the result goes: .npy, .safetensors or .pt', named)
    .option('--tensor <name>', 'which tensor of a file, where it holds several')
    .option('--model <file>', 'transform with a fitted model instead of fitting')
    .option('--model-out <file>', 'save the fitted model')
    .option('--inverse', 'go back: from projections to tokens, with the model that made them (pca, umap)')
    .option('--part <first>', 'make a part of a fit; FIRST is the number of tokens that come before these files')
    .option('--merge', 'the files are parts: fit to all of them and save the model')
    .option('--limits', 'the files are results of --model: save the model with the colour limits of all of them')
    .option('--json', 'the result as a line of JSON on stdout, progress as JSON lines on stderr')
    .addHelpText(
      'after',
      `
Examples:
  deepearth reduce features/*.safetensors --with pca --output colours.safetensors --model-out pca.safetensors
  deepearth reduce later.safetensors --model pca.safetensors --output later-colours.safetensors

On several machines, with the same bytes as on one:
  deepearth reduce a/*.safetensors --with pca --part 0 --output part-a.safetensors      one machine
  deepearth reduce b/*.safetensors --with pca --part 46080 --output part-b.safetensors  another one
  deepearth reduce part-*.safetensors --merge --output pca.safetensors
  deepearth reduce a/*.safetensors --model pca.safetensors --output colours-a.safetensors
  deepearth reduce b/*.safetensors --model pca.safetensors --output colours-b.safetensors
  deepearth reduce colours-*.safetensors --limits --model pca.safetensors --output pca.safetensors`,
    )
    .action(answering(async () => (await import('./commands/reduce.ts')).reduceCommand));

  program
    .command('compare')
    .description('Judge reductions: trustworthiness, continuity, kept neighbours, rank correlation of distances.')
    .argument('<reduced...>', 'one or more results of reduce')
    .requiredOption('-t, --tokens <file>', 'the tokens they were made of')
    .option('-k, --neighbors <count>', 'size of the neighbourhoods', '15')
    .option('--metric <metric>', 'distance between tokens: cosine, euclidean, correlation or manhattan', 'cosine')
    .option('--sample <count>', 'number of tokens that are compared, at most', '4000')
    .option('--tensor <name>', 'which tensor of the token file, where it holds several')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/compare.ts')).compareCommand));

  program
    .command('explore')
    .description('Open a page to look into a run: frames, tokens, and what is like them, where and when.')
    .argument('<output...>', 'output folder of a run, a folder or file of tokens, or an exported page; two to compare')
    .option('-p, --port <number>', 'port on this machine (default: any that is free)')
    .option('--no-open', 'do not open the browser; the address is printed anyhow')
    .option('-e, --export <folder>', 'write the page and its data as a folder for any static server instead', named)
    .option('--frames <folder>', 'where pictures are looked for by name, if they have moved')
    .option('--picture-edge <pixels>', 'longest edge of the pictures (default: 720)')
    .option('--force', 'replace an exported page that is there')
    .addHelpText(
      'after',
      `
Examples:
  deepearth explore demo-output
  deepearth explore demo-output --export site
  deepearth explore vjepa-output dinov3-output

A run with sink/explorer is shown as it is; of others, what the page needs is made first, in a temporary folder.
A run that goes is followed: its stages at once, its clips as their tokens are written.`,
    )
    .action(answering(async () => (await import('./commands/explore.ts')).exploreCommand));

  program
    .command('label')
    .description('Give the tokens of runs the labels that were marked in deepearth explore.')
    .argument('<labels>', 'the file that the page saved: Labels, Save JSON')
    .argument('<output...>', 'output folders of runs of the same encoder')
    .option('-o, --output <folder>', 'where the results go (default: the folder "labels" in each of the runs)', named)
    .option('--overwrite', 'replace results of other labels that lie there')
    .addHelpText(
      'after',
      `
Examples:
  deepearth label demo_labels.json demo-output
  deepearth label demo_labels.json spring-output summer-output -o labelled

Of each clip it writes the number of the likeliest label (labels/*.npy, [time, height, width, 1]) and the probability of
each label (probabilities/*.npy), maps as PNG (maps/), and for the run the share of each label in each frame (shares.csv);
rasters/*.tif too where frames have a place on the Earth.`,
    )
    .action(answering(async () => (await import('./commands/label.ts')).labelCommand));

  addModelCommands(program);
  addPythonCommands(program);
  return program;
}

/** The commands that take the flags of the Python scripts. */
const pythonCommands = ['extract', 'sequence', 'pipeline', 'visualize', 'parallel'];

/** Arguments with `--frame_dir` written as `--frame-dir`, where the command is one of the Python scripts. */
export function kebabOptions(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  if (!argv.slice(2).some((word, index) => index === 0 && pythonCommands.includes(word))) return [...argv];
  return argv.map((word, index) =>
    word.startsWith('--') && (end < 0 || index < end)
      ? word.replace(/^[^=]+/, (flag) => flag.replaceAll('_', '-'))
      : word,
  );
}

function addPythonCommands(program: Command): void {
  const model = 'facebook/vjepa2-vitg-fpc64-384';
  const encoding = (command: Command, device = 'auto'): Command =>
    command
      .option('--model <model>', 'checkpoint: a name on the Hugging Face Hub, a folder, or "builtin"', model)
      .option('--device <device>', 'cpu, cuda, cuda:1, auto, or several: cuda:0,cuda:1', device)
      .option('--no-fp16', 'compute and write in float32');
  const common = (command: Command): Command =>
    command
      .option('--date <date>', 'date of the run in files and names (default: SOURCE_DATE_EPOCH, else now), in UTC')
      .option('--print-config', 'print the pipeline that this stands for instead of running it')
      .option('--overwrite', 'replace and remove the results of other input that lie in the output folder')
      .option('--json', 'one JSON line per event on stdout, also on a terminal');
  const frames = (command: Command, batchSize: string): Command =>
    encoding(
      command
        .requiredOption('--frame-dir <folder>', 'folder of numbered frames')
        .option('--output-dir <folder>', 'output folder', 'output')
        .option(
          '--frame-pattern <pattern>',
          'names of the frames: frame_*.tif, frame_{:04d}.tif (default: all pictures)',
        )
        .option('--stride <frames>', 'frames from the start of one window of 16 to the next', '16')
        .option('--first-frame <number>', 'first frame number (default: the lowest)')
        .option('--last-frame <number>', 'last frame number (default: the highest)')
        .option('--batch-size <windows>', 'windows in one call', batchSize),
    ).option('--resume', 'reuse the valid results of an earlier run there; make only what is missing');
  const load = () => import('./commands/from-python.ts');

  common(
    encoding(
      program
        .command('extract')
        .description('Embed every picture of a folder and the folders in it (vjepa2_extractor.py).')
        .requiredOption('--image-dir <folder>', 'folder of pictures')
        .option('--output-dir <folder>', 'output folder', 'output')
        .option('--chunk-size <pictures>', 'pictures in one .pt file', '1000')
        .option('--per-image', 'a .pt file for each picture in place of chunks')
        .option('--pattern <pattern>', 'names of the pictures', '*.jpg'),
    ),
  )
    .option('--no-resume', 'make everything again (default: go on where an earlier run ended)')
    .action(answering(async () => (await load()).extractCommand));

  common(
    frames(
      program
        .command('sequence')
        .description('Embed windows of 16 numbered frames, a .pt file for each (vjepa2_sequential_extractor.py).'),
      '1',
    ),
  ).action(answering(async () => (await load()).sequenceCommand));

  common(
    frames(
      program
        .command('pipeline')
        .description('Embed a sequence and make pictures, videos and a package of it (vjepa2_pipeline.py).'),
      '2',
    )
      .option('--umap-visualization', 'write the UMAP colours of every step of time')
      .option('--pca-visualization', 'write the PCA colours of every step of time')
      .option('--original-images', 'write the frames beside them')
      .option('--no-embeddings', 'leave the embeddings out of the package')
      .option('--video-animation', 'make videos: of the frames, and of what the --video flags name')
      .option('--video-fps <rate>', 'frames per second', '6')
      .option('--mp4', 'write videos as MP4 (the default)')
      .option('--gif', 'write videos as GIF')
      .option('--video-umap-visualization', 'a video of the UMAP colours')
      .option('--video-pca-visualization', 'a video of the PCA colours')
      .option('--video-stacked-visualization', 'a video of the frames above, and below them under the UMAP colours')
      .option('--no-independent-videos', 'one video with all of them side by side')
      .option('--no-video-original-images', 'no video of the frames'),
  ).action(answering(async () => (await load()).pipelineCommand));

  common(
    program
      .command('visualize')
      .description('Draw the UMAP colours of a feature file, alone and over its frames (visualize_embeddings.py).')
      .argument('<features>', 'a .pt file of the scripts or of this command, .safetensors, or a folder of them')
      .option('--output-dir <folder>', 'output folder', 'visualizations')
      .option('--frame-dir <folder>', 'where the frames are (default: where the file says)')
      .option('--n-neighbors <count>', 'neighbours of UMAP', '15')
      .option('--min-dist <distance>', 'how close UMAP may place tokens', '0.1')
      .option('--alpha <share>', 'strength of the colours over the frame, 0 to 1', '0.5')
      .option('--no-overlay', 'the colours alone'),
  ).action(answering(async () => (await load()).visualizeCommand));

  common(
    encoding(
      program
        .command('parallel')
        .description(
          'Embed pictures on several devices, a process for each, into one result (run_parallel_extraction.sh).',
        )
        .argument('<images>', 'folder of pictures')
        .argument('<output>', 'output folder')
        .argument('<gpus>', 'how many devices, or processes with --device cpu')
        .argument('[chunk]', 'pictures in one .pt file', '1000')
        .option('--pattern <pattern>', 'names of the pictures', '*.jpg'),
      'cuda',
    ),
  )
    .option('--no-resume', 'make everything again (default: go on where an earlier run ended)')
    .action(answering(async () => (await load()).parallelCommand));
}

function addModelCommands(program: Command): void {
  const queue = program
    .command('queue')
    .description(
      'Pipelines as jobs of a queue (BullMQ on Redis, Valkey or PostgreSQL): add, work, status, retry, drain.',
    );
  const queueCommand = (name: string) =>
    queue
      .command(name)
      .option('--url <url>', 'redis://… or postgres://… (default: DEEPEARTH_QUEUE, else redis://127.0.0.1:6379)')
      .option('--name <name>', 'of the queue', 'deepearth');

  queueCommand('add')
    .description('Add the parts of a pipeline, and what is made of them; what is there or done is not added again.')
    .argument('<pipeline>', 'YAML file, which workers find under the same path')
    .option('--jobs <count>', 'into how many parts the encoding is cut (see `deepearth plan --jobs`)')
    .option('--job-seconds <seconds>', 'in place of --jobs: parts of about so many seconds, by --clip-seconds')
    .option('--clip-seconds <seconds>', 'how long a clip takes to encode, as a run or a benchmark showed')
    .option('-s, --set <path=value>', 'replace a value of the file (repeatable)', collect)
    .option('-o, --output <folder>', 'output folder (default: `output` of the file, else NAME-output)', named)
    .option('--priority <number>', '1 comes first; jobs without one come before all that have one')
    .option('--max-waiting <count>', 'add nothing while so many jobs wait (default: 100000)')
    .option('--wait', 'wait for the result, and add again what the queue may lose')
    .action(answering(async () => (await import('./commands/queue-add.ts')).queueAddCommand));

  queueCommand('work')
    .description('Work on jobs, each in a process of its own, until it is stopped.')
    .option('--concurrency <count>', 'jobs at a time (default: 1, or one for each of --gpus)')
    .option('--gpus <list>', 'CUDA devices, for example 0,1,2,3: one job at a time on each')
    .option('--lock-seconds <seconds>', 'a worker that shows no life for so long has lost its jobs to others', '30')
    .option('--until-idle <seconds>', 'end when no job has been open for so long')
    .option('--json', 'one JSON line per event, also on a terminal')
    .action(answering(async () => (await import('./commands/queue-work.ts')).queueWorkCommand));

  queueCommand('status')
    .description('Print how many jobs are in which state, what is at hand, and what was set aside and why.')
    .option('--json', 'as JSON')
    .option('--prometheus', 'the counts in the text format of Prometheus')
    .action(answering(async () => (await import('./commands/queue-status.ts')).queueStatusCommand));

  queueCommand('retry')
    .description('Try jobs again that were set aside: all of them, or one.')
    .argument('[id]', 'of the job, as status shows it')
    .action(answering(async () => (await import('./commands/queue-status.ts')).queueRetryCommand));

  queueCommand('drain')
    .description('Remove the jobs that wait. Jobs at hand go on.')
    .action(answering(async () => (await import('./commands/queue-status.ts')).queueDrainCommand));

  const model = program.command('model').description('Checkpoints of encoders: list, inspect, fetch, convert, check.');

  model
    .command('list')
    .description('List the checkpoints that are known by name, and which of them are on this machine.')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/model-list.ts')).modelListCommand));

  model
    .command('info')
    .description('Print architecture, parameters, bytes, tokens, TFLOP and peak memory per clip.')
    .argument('<model>', 'name on the Hugging Face Hub, folder, weights file, or "builtin"')
    .option('--frames <count>', 'frames of a clip')
    .option('--size <pixels>', 'pixels of a side, or HEIGHTxWIDTH')
    .option('--batch <clips>', 'clips in one call')
    .option('--json', 'as JSON')
    .action(answering(async () => (await import('./commands/model-info.ts')).modelInfoCommand));

  model
    .command('fetch')
    .description(
      'Download a checkpoint into the Hugging Face cache (HF_HOME, HF_TOKEN and HF_ENDPOINT apply); resumes where it stopped.',
    )
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
    .description(
      'Compare outputs with reference outputs: prints relative L2 error and smallest cosine over tokens per case.',
    )
    .argument('<folder>', 'config.json, weights, input.safetensors, expected.safetensors')
    .option('--precision <precision>', 'fp32, fp16 or int8', 'fp32')
    .option('--device <device>', 'cpu, cuda:0, webgpu, coreml, dml or auto', 'cpu')
    .option('--weights <file>', 'another weights file of the folder: original.pt')
    .option(
      '--tolerance <number>',
      'largest relative error that passes (default: 1e-5 in fp32, 2e-3 in fp16; in int8 the cosines decide)',
    )
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
