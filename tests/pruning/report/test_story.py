"""The sentences of a run say what it removed, what it was asked, and what is not known."""

from __future__ import annotations

from leanfair.html import formats as f
from leanfair.pruning.report.story import choices, headline, met, stock, tiles, verdict
from tests.support.summaries import longer, missed, only_neurons, produced, without_labels


def test_the_headline_has_the_share_that_was_removed() -> None:
    found = produced("images")
    assert f"lost {f.percent(found['removed'])} of its MACs" in headline(found)
    assert "stays as it is" in headline(produced("untouched"))
    assert headline(without_labels(found)).endswith("accuracy was not measured.")


def test_a_target_that_was_missed_is_told_with_the_reason() -> None:
    found = produced("images")
    assert met(found)
    assert "The run stopped" not in verdict(found)
    short = missed(found, 0.99)
    assert not met(short)
    assert short["stopped_because"] in verdict(short)


def test_tiles_say_what_was_not_measured() -> None:
    notes = {tile.label: tile.note for tile in tiles(without_labels(produced("images")))}
    assert notes["Latency"] == "not measured"
    assert notes["Accuracy"] == "no test data"
    measured = tiles(produced("images"))
    assert all("unknown" not in vars(tile).values() for tile in measured)


def test_rounds_are_counted_by_what_they_removed() -> None:
    assert choices(produced("untouched")) == "No round was finished."
    assert (
        choices(only_neurons(longer(produced("images"), 7))) == "7\xa0rounds: neurons went 7 times."
    )


def test_a_headline_says_where_the_stock_form_is_lost() -> None:
    found = produced("language")
    assert found["stock"] is True
    assert stock(found) == ""
    found["stock"] = False
    assert headline(found).endswith("only leanfair.load opens it.")
    found["settings"]["free"] = True  # asked for
    assert stock(found) == ""
