// Peak memory of writing, reading and converting files larger than 4 GB, each in a process of its own, and whether
// PyTorch and NumPy read them.
//
//   node benchmarks/large-files.mjs [--gigabytes 5] [--python PYTHON] [--folder FOLDER]
//
// Needs about four times as much room on the disk. `npx tsc -b` comes first: the built command is measured.

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '5' },
    python: { type: 'string' },
    folder: { type: 'string', default: tmpdir() },
    write: { type: 'string' },
    tensors: { type: 'string', default: '1' },
  },
});
const channels = 1408;
const rows = Math.ceil((Number(flags.gigabytes) * 1e9) / 4 / channels);

if (flags.write) await write(flags.write, Number(flags.tensors));
else await measure();

/**
 * Writes a .pt file of float32 whose values never are in memory as a whole: one tensor, or one for each of many
 * entries.
 */
async function write(path, count) {
  const { writePt } = await import('@deepearth/formats');
  const { lazyTensor } = await import('@deepearth/formats/lazy-tensor');
  const { writeFileWhole } = await import('@deepearth/formats/write-file-node');
  const tensor = (height, seed) =>
    lazyTensor({
      dtype: 'float32',
      shape: [height, channels],
      readBytes: async (start, length) => {
        const data = new Float32Array(length / 4);
        for (let i = 0, at = start / 4 + seed; i < data.length; i++) data[i] = ((at + i) % 4099) / 512 - 4;
        return new Uint8Array(data.buffer);
      },
    });
  const height = Math.ceil(rows / count);
  const value =
    count === 1
      ? { features: tensor(rows, 0), metadata: { model: 'made', frame_numbers: [0, 1] } }
      : new Map(
          Array.from({ length: count }, (_, i) => [
            `photos/${String(i).padStart(6, '0')}.jpg`,
            { features: tensor(height, i), metadata: { model: 'made' } },
          ]),
        );
  await writeFileWhole(path, writePt(value));
}

async function measure() {
  const folder = await mkdtemp(join(flags.folder, 'large-'));
  const command = new URL('../packages/cli/bin/deepearth.js', import.meta.url).pathname;
  const report = `data:text/javascript,${encodeURIComponent(
    "process.on('exit', () => process.stderr.write(`\\nPEAK ${process.resourceUsage().maxRSS}`))",
  )}`;
  const rowsOut = [];
  const step = async (what, args, result) => {
    const started = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', report, ...args], { encoding: 'utf8' });
    const seconds = (performance.now() - started) / 1000;
    if (status !== 0) throw new Error(`${what}: ${stderr}`);
    const peak = Number(/PEAK (\d+)$/.exec(stderr)[1]) / 1000;
    const bytes = result ? (await stat(result)).size : undefined;
    rowsOut.push(
      `| ${what} | ${bytes === undefined ? '' : `${(bytes / 1e9).toFixed(2)} GB`} | ${Math.round(peak)} MB | ${seconds.toFixed(0)} s |`,
    );
    console.error(rowsOut.at(-1));
    return stdout;
  };
  const python = (what, code, path) => {
    if (!flags.python) return;
    const { status, stdout, stderr } = spawnSync(flags.python, ['-c', code, path], { encoding: 'utf8' });
    const said = status === 0 ? stdout.trim() : `refused: ${stderr.trim().split('\n').at(-1)}`;
    rowsOut.push(`| ${what}: ${said} | | | |`);
    console.error(rowsOut.at(-1));
  };
  const at = (name) => join(folder, name);
  const write = (name, count) => [
    import.meta.filename,
    '--write',
    at(name),
    '--tensors',
    String(count),
    '--gigabytes',
    flags.gigabytes,
  ];
  const convert = (from, to, ...more) => [command, 'convert', at(from), at(to), ...more];
  const torch = `import sys, torch
for mmap in (False, True):
    saved = torch.load(sys.argv[1], weights_only=True, mmap=mmap)
    grids = [saved["features"]] if "features" in saved else [entry["features"] for entry in saved.values()]
    assert all(g.dtype == torch.float32 for g in grids)
    for seed, g in enumerate(grids):
        i = torch.arange(g.numel() - 1000, g.numel(), dtype=torch.float64)
        assert torch.equal(g.flatten()[-1000:], (((i + seed) % 4099) / 512 - 4).float())
print("weights_only=True, with and without mmap", len(grids), "tensors,", sum(g.numel() for g in grids), "numbers")`;
  const numpy = `import sys, numpy, zipfile
with numpy.load(sys.argv[1]) as z: a = z["features"]
assert (a.reshape(-1)[-1000:] == (((numpy.arange(a.size - 1000, a.size)) % 4099) / 512 - 4).astype(a.dtype)).all()
print("numpy.load", a.shape, a.dtype)`;
  try {
    await step('write .pt, one tensor', write('one.pt', 1), at('one.pt'));
    python('PyTorch reads it', torch, at('one.pt'));
    await step('read it: inspect --stats', [command, 'inspect', at('one.pt'), '--stats']);
    await step('convert to .pt', convert('one.pt', 'again.pt'), at('again.pt'));
    python('PyTorch reads it', torch, at('again.pt'));
    await rm(at('again.pt'));
    await step('convert to .npz', convert('one.pt', 'one.npz'), at('one.npz'));
    python('NumPy reads it', numpy, at('one.npz'));
    await rm(at('one.npz'));
    await step(
      'convert to .safetensors, int8',
      convert('one.pt', 'one.safetensors', '--dtype', 'int8'),
      at('one.safetensors'),
    );
    await step(
      'convert that to .pt, float32',
      convert('one.safetensors', 'back.pt', '--dtype', 'float32'),
      at('back.pt'),
    );
    await rm(at('back.pt'));
    await step('convert to .npy, float16', convert('one.pt', 'one.npy', '--dtype', 'float16'), at('one.npy'));
    for (const name of ['one.pt', 'one.npy', 'one.safetensors']) await rm(at(name));
    await step('write .pt, a dict of 200 pictures', write('many.pt', 200), at('many.pt'));
    python('PyTorch reads it', torch, at('many.pt'));
    await step('convert to .npz, float16', convert('many.pt', 'many.npz', '--dtype', 'float16'), at('many.npz'));
  } finally {
    await rm(folder, { recursive: true });
  }
  console.log(`${cpus()[0].model}, Node ${process.version}, ${flags.gigabytes} GB of float32 [..., ${channels}]`);
  console.log('\n| | file | peak memory | time |\n| --- | --- | --- | --- |');
  for (const row of rowsOut) console.log(row);
}
