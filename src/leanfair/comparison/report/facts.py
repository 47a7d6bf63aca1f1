"""What was compared, and on what machine: the last section of the page."""

from __future__ import annotations

from leanfair.comparison.schema.summary import SideEntry, Summary
from leanfair.html import formats as f

Facts = list[tuple[str, list[tuple[str, str]]]]


def facts(summary: Summary) -> Facts:
    """Groups of names and values."""
    machine, data = summary["machine"], summary["data"]
    groups: Facts = [
        ("Parent", _side(summary["parent"])),
        ("Child", _side(summary["child"])),
    ]
    if data is not None:
        told = [("Samples", f.exact(data["samples"])), ("Labels", f.setting(data["labelled"]))]
        if data["classes"]:
            told.append(("Classes", f.exact(len(data["classes"]))))
        groups.append(("Test data", told))
    groups.append(
        (
            "Made with",
            [
                ("Seed", str(summary["seed"])),
                ("Time", f.duration(summary["seconds"])),
                ("Device", machine["device"]),
                ("Processor", machine["processor"]),
                ("Threads", str(machine["threads"])),
                ("torch", machine["torch"]),
                ("Python", machine["python"]),
            ],
        )
    )
    return groups


def _side(side: SideEntry) -> list[tuple[str, str]]:
    found = [
        ("Name", side["name"]),
        ("Class", side["model"]),
        ("Parameters", f.exact(side["params"])),
    ]
    if side["path"] is not None:
        found.append(("Read from", side["path"]))
    if side["mean"] is not None:
        found.append(("Images, mean", f.setting(side["mean"])))
        found.append(("Images, std", f.setting(side["std"])))
    return [*found, ("Fingerprint", side["fingerprint"])]
