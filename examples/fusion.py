# What was seen, what was written and where it was, in one space: python examples/fusion.py OUTPUT LATITUDE LONGITUDE START
# OUTPUT is that of examples/field-notes/pipeline.yaml, or of any run with features (.safetensors or .pt); START is the
# instant of frames that know only seconds. Needs torch and safetensors.
#
# Nothing here is trained. The weights are random, so the vectors have the right shapes and no meaning yet: fit them with a
# contrastive loss over pairs that belong together (CLIP, Radford et al. 2021).

import json
import math
import sys
from datetime import datetime, timedelta
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn


def read(path):
    """One vector of a file, the mean of all it holds, and the file's metadata."""
    if path.suffix == ".pt":
        saved = torch.load(path, weights_only=True)
        return saved["features"].float().mean(0), saved["metadata"]
    with safe_open(path, "pt") as file:
        values = file.get_tensor(next(name for name in ("embedding", "features") if name in file.keys()))
        about = {name: json.loads(text) for name, text in file.metadata().items() if text[0] in "[{"}
    return values.float().flatten(0, -2).mean(0) if values.ndim > 1 else values.float(), about


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def encode_place(latitude, longitude, time, scales=8):
    """[6 * scales + 4] numbers. The point on the unit sphere, which has no seam at 180 degrees and no narrow poles, as
    sines and cosines at doubling frequencies (Mildenhall et al. 2020); the hour and the day as places on two circles."""
    north, east = math.radians(latitude), math.radians(longitude)
    point = torch.tensor([math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)])
    waves = (point[:, None] * torch.pi * 2.0 ** torch.arange(scales)).flatten()
    day = (time.hour + time.minute / 60 + time.second / 3600) / 24
    circles = 2 * torch.pi * torch.tensor([day, (time.timetuple().tm_yday - 1 + day) / 365.2425])
    return torch.cat([waves.sin(), waves.cos(), circles.sin(), circles.cos()])


class Fusion(nn.Module):
    """Brings each modality to a common width and lets them attend to one another; any of them may be missing."""

    def __init__(self, widths, common=512):
        super().__init__()
        self.project = nn.ModuleDict(
            {name: nn.Sequential(nn.LayerNorm(width), nn.Linear(width, common)) for name, width in widths.items()}
        )
        self.kind = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(common)) for name in widths})
        self.attend = nn.TransformerEncoderLayer(common, nhead=8, dropout=0.0, batch_first=True, norm_first=True)

    def forward(self, given):  # {name: [batch, width]} -> [batch, common], of length 1
        tokens = torch.stack([self.project[name](values) + self.kind[name] for name, values in given.items()], dim=1)
        return nn.functional.normalize(self.attend(tokens).mean(1), dim=-1)


if len(sys.argv) != 5:
    sys.exit("usage: python fusion.py OUTPUT LATITUDE LONGITUDE START, as in: output 52.35 14.05 2024-05-01T06:00:00Z")
output, latitude, longitude, start = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), instant(sys.argv[4])
files = sorted([*output.rglob("embeddings_frames_*"), *output.rglob("features_frames_*")])
notes = sorted(output.rglob("embeddings_note-*.safetensors"))
if not files:
    sys.exit(f"{output} holds no embeddings or features of frames")


def time_of(about):
    frame = about["clip"]["frames"][0] if "clip" in about else {}
    return instant(frame["at"]) if "at" in frame else start + timedelta(seconds=frame.get("seconds", 0))


seen = [read(path) for path in files]
written = [read(path) for path in notes]
given = {
    "vision": torch.stack([vector for vector, _ in seen]),
    "place": torch.stack([encode_place(latitude, longitude, time_of(about)) for _, about in seen]),
}
if written:  # beside each clip the note that is nearest in time
    nearest = [min(written, key=lambda note: abs(instant(note[1]["origin"]["at"]) - time_of(about))) for _, about in seen]
    given["text"] = torch.stack([vector for vector, _ in nearest])
    for path, (_, note) in zip(files, nearest):
        print(f"{path.name} beside: {' '.join(note['origin']['words'])}")

torch.manual_seed(0)
fusion = Fusion({name: values.shape[1] for name, values in given.items()}).eval()
with torch.no_grad():
    for name, values in given.items():
        print(f"{name} {list(values.shape)} alone: {list(fusion({name: values}).shape)}")
    print(f"together: {list(fusion(given).shape)} (untrained)")
