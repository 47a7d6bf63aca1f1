"""Prune a small network for handwritten digits: nothing to download, about a minute."""

import leanfair
from leanfair.data.images import load
from leanfair.models.resnet_cifar import CifarResNet
from leanfair.pruning.training.fine_tune import fine_tune

digits = load("digits", augment=False)
network = CifarResNet(depth=20, classes=10, channels=1)
fine_tune(network, digits.train, images=12 * len(digits.train), recipe=leanfair.Recipe(lr=0.1))

run = leanfair.prune(
    network,
    train=digits.train,
    calibration=digits.calibration,  # scores and chooses; held out of training
    test=digits.test,  # only measures
    cut=0.6,
    round_epochs=2,
    final_epochs=10,
    lr=0.05,
)
for step in run.steps:
    print(step.index, step.chosen, step.cka, f"{step.macs:,} MACs", step.accuracy)
print(run.summary["accuracy"], run.report("digits.html"))
