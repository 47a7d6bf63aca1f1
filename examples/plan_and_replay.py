"""A cut is data: look at it, save it, and make it again on a fresh copy of the network."""

import json

import torch

from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.plan import plan
from leanfair.pruning.surgery.removal import apply
from leanfair.pruning.types import Cut

network = CifarResNet(depth=20).eval()
images = [torch.randn(64, 3, 32, 32)]
layer, neurons = plan(network, calibration=images, cut=0.3, criterion="l1")
print(layer)
print(neurons)

saved = json.dumps(neurons.to_json())
once, again = (apply(Cut.from_json(json.loads(saved)), network) for _ in range(2))
print("bit-equal:", torch.equal(once(images[0]), again(images[0])))
