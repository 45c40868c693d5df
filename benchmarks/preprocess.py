"""Times the Hugging Face video processor of V-JEPA 2 on one frame (8-bit pixels in memory to normalised floats) in CPU time of its one thread, one JSON line per size.

    python benchmarks/preprocess.py [repetitions]      # torch, torchvision, transformers; one thread
"""
import json
import statistics
import sys
import time

import torch
from transformers.models.vjepa2.video_processing_vjepa2 import VJEPA2VideoProcessor

torch.set_num_threads(1)
repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 30
for height, width in [(360, 360), (720, 1280), (1080, 1920), (2160, 3840)]:
    for crop in (256, 384):
        processor = VJEPA2VideoProcessor(crop_size={"height": crop, "width": crop})
        frame = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)
        milliseconds = []
        for i in range(repetitions + 5):
            start = time.process_time()
            processor(frame, return_tensors="pt")
            if i >= 5:
                milliseconds.append((time.process_time() - start) * 1000)
        print(json.dumps({"frame": f"{width} x {height}", "crop": crop, "milliseconds": round(statistics.median(milliseconds), 2)}))
