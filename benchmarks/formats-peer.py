"""The Python side of formats.mjs: torch and safetensors do what they are told on stdin and answer seconds.

Started by `node benchmarks/formats.mjs --python PYTHON`; needs torch and safetensors.
"""
import sys
import time
import torch
from safetensors import safe_open
from safetensors.torch import save_file

torch.set_num_threads(2)
count, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
tensors = {f't{i}': torch.full((size,), float(i)) for i in range(count)}


def read_safetensors():
    with safe_open(f'{folder}/peer.safetensors', 'pt') as f:
        return sum(float(f.get_tensor(k).clone()[0]) for k in f.keys())


def open_safetensors():
    with safe_open(f'{folder}/peer.safetensors', 'pt') as f:
        return len(f.keys())


jobs = {
    'write safetensors': lambda: save_file(tensors, f'{folder}/peer.safetensors'),
    'read safetensors': read_safetensors,
    'open safetensors': open_safetensors,
    'write pt': lambda: torch.save(tensors, f'{folder}/peer.pt'),
    'read pt': lambda: sum(float(t[0]) for t in torch.load(f'{folder}/peer.pt', weights_only=True).values()),
    'open pt': lambda: len(torch.load(f'{folder}/peer.pt', weights_only=True, mmap=True)),
}
print(f'torch {torch.__version__}', flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    jobs[line.strip()]()
    print(time.perf_counter() - start, flush=True)
