"""Train a denoiser: mixed precision, compiled, on any number of processes.

    torchrun --nproc-per-node 2 train.py --steps 300 --checkpoint run.pt

Stop it whenever you like: the same line goes on from the last checkpoint.
"""

import argparse
import math
import os

import torch
from torch import distributed, nn

import lossedu as le
from lossedu import data, nets

parser = argparse.ArgumentParser()
settings = {"checkpoint": "run.pt", "steps": 300, "every": 50, "batch": 16}
settings |= {"width": 64, "amp": "bfloat16", "compile": "inductor"}
for name, default in settings.items():
    parser.add_argument(f"--{name}", type=type(default), default=default)
options = parser.parse_args()

# 1. Which process is this, and where does it compute?
rank = int(os.environ.get("RANK", 0))
world = int(os.environ.get("WORLD_SIZE", 1))
device = "cuda" if torch.cuda.is_available() else "cpu"
if device == "cuda":
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
if world > 1:
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")

# 2. Data. What a step sees depends on its number alone, so a resumed run
#    sees what it would have seen. Each process takes its share of the batch.
photos = [data.photograph(name) for name in ("coffee", "chelsea", "rocket")]
patches = data.PatchSampler(photos, size=48, batch=options.batch)
held_out = data.crop(data.photograph("astronaut"), 0, 150, 200)


def pair(y, seed):
    x = data.sensor_noise(y, a=0.02, seed=data.derive_seed("noise", seed))
    y = nets.inner(y, nets.RestorationCNN.margin)  # the network cuts it off
    return x.to(device), y.to(device)


def batch_at(step):
    x, y = pair(patches.batch_at(step), step)
    return x[rank::world], y[rank::world]


# 3. Network and loss are one module: one graph to compile, one forward for
#    DDP. Only the network runs under autocast.
class Objective(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = nets.RestorationCNN(options.width, residual=True)
        terms = {"ssim": (0.84, le.SSIMLoss()), "l1": (0.16, le.L1Loss())}
        self.loss = le.WeightedLoss(terms)

    def forward(self, x, y):
        half = getattr(torch, options.amp)
        with torch.autocast(device, half, enabled=half != torch.float32):
            restored = self.network(x)
        return self.loss(restored, y)


torch.manual_seed(0)  # the same first weights in every process
objective = Objective().to(device, memory_format=torch.channels_last)
network, model = objective.network, objective
if options.compile != "none":
    model = torch.compile(model, backend=options.compile, fullgraph=True)
if world > 1:
    model = nn.parallel.DistributedDataParallel(model)

# 4. Everything that has a memory, and what an earlier run has left.
adam = torch.optim.Adam(network.parameters())
scaler = torch.amp.GradScaler(device, enabled=options.amp == "float16")
parts = {"network": network, "adam": adam, "scaler": scaler}
done = 0
if os.path.exists(options.checkpoint):
    state = torch.load(options.checkpoint, device, weights_only=True)
    done = state["done"]
    for name, part in parts.items():
        part.load_state_dict(state[name])


def report_and_save():
    network.eval()
    with torch.inference_mode():
        x, y = pair(held_out, "held out")
        restored = network(x)
        psnr = le.metrics.psnr(restored.clamp(0, 1), y)
    network.train()
    share = le.gradient_share(objective.loss, restored, y)["ssim"]
    print(f"step {done}: {psnr:.2f} dB, SSIM pulls {share:.0%}", flush=True)
    state = {name: part.state_dict() for name, part in parts.items()}
    torch.save(state | {"done": done}, options.checkpoint + ".part")
    os.replace(options.checkpoint + ".part", options.checkpoint)


# 5. The loop.
for step in range(done, options.steps):
    torch.manual_seed(data.derive_seed("network", step, rank))  # for dropout
    for group in adam.param_groups:
        group["lr"] = 5e-4 * (1 + math.cos(math.pi * step / options.steps))
    loss = model(*batch_at(step))
    adam.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()
    scaler.unscale_(adam)
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    scaler.step(adam)
    scaler.update()
    done = step + 1
    if rank == 0 and (done % options.every == 0 or done == options.steps):
        report_and_save()

if world > 1:
    distributed.destroy_process_group()
