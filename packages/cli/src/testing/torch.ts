// Finds a Python with PyTorch, for tests that let it read what was written: DEEPEARTH_TEST_PYTHON, else what is on the
// path.

import { execFileSync, spawnSync } from 'node:child_process';

const candidates = [process.env.DEEPEARTH_TEST_PYTHON, 'python3', 'python'].filter((name) => name !== undefined);

/** A Python that imports torch and NumPy; `undefined` where there is none. */
export const torchPython = candidates.find(
  (python) => spawnSync(python, ['-c', 'import torch, numpy'], { timeout: 120_000 }).status === 0,
);

/** What the title of a test that needs PyTorch ends with. */
export const withoutTorch = torchPython ? '' : ' (skipped: no Python with PyTorch is installed)';

const script = `
import json, sys, torch
def said(x):
    if isinstance(x, torch.Tensor):
        values = x.to(torch.float64) if not x.is_complex() else torch.view_as_real(x).to(torch.float64)
        return {"dtype": str(x.dtype), "shape": list(x.shape), "sum": float(values.sum()) if x.numel() else 0}
    if isinstance(x, dict): return {str(key): said(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)): return [said(value) for value in x]
    return x if isinstance(x, (str, int, float, bool, type(None))) else str(x)
for path in sys.argv[1:]:
    whole = said(torch.load(path, weights_only=True))
    assert said(torch.load(path, weights_only=True, mmap=True)) == whole
    print(json.dumps(whole))
`;

/** What PyTorch finds in .pt files, loaded with `weights_only=True`, and once more mapped into memory. */
export const torchLoads = (...paths: string[]): unknown[] =>
  execFileSync(torchPython!, ['-B', '-c', script, ...paths], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
