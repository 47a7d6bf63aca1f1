"""Bearer tokens: where they come from, what is refused, and that a comparison tells nothing."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest

from leanfair.errors import InputError
from leanfair.serving.tokens import VARIABLE, Tokens, bearer, tokens_of

GOOD = "abcdefghijklmnop"
BETTER = "0123456789-._~+/=="


def written(tmp_path: Path, content: str | bytes, mode: int = 0o600) -> str:
    path = tmp_path / "tokens"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return str(path)


def test_a_line_is_a_token_and_blank_lines_and_comments_are_none(tmp_path: Path) -> None:
    for mode in (0o600, 0o640, 0o400):
        content = f"# of the office\n\n{GOOD}\r\n  {BETTER}  \n"
        found = tokens_of(written(tmp_path, content, 0o600), False, {})
        assert (found.caller(GOOD), found.caller(BETTER)) == (1, 2)
        (tmp_path / "tokens").chmod(mode)
        assert not found.is_open


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "There is no token in"),
        ("\n# only a comment\n", "There is no token in"),
        (f"{GOOD}\ntwo words of a token", "Line 2 of"),
        (f"{GOOD}é", "Line 1 of"),
        ("short", "shorter than 16"),
        (b"\xff\xfe\x00", "it is no text"),
    ],
)
def test_what_is_no_token_is_told_by_its_line_and_never_repeated(
    content: str | bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence) as told:
        tokens_of(written(tmp_path, content), False, {})
    assert "two words" not in str(told.value)
    assert "short" not in str(told.value).replace("shorter", "")


def test_a_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chmod o-r"):
        tokens_of(written(tmp_path, GOOD, 0o644), False, {})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        tokens_of(str(tmp_path / "none"), False, {})


def test_the_environment_has_tokens_a_line_each() -> None:
    found = tokens_of(None, False, {VARIABLE: f"{GOOD}\n{BETTER}\n"})
    assert found.caller(BETTER) == 2


@pytest.mark.parametrize(
    ("file", "insecure", "environment"),
    [
        (None, False, {}),
        ("file", True, {}),
        ("file", False, {VARIABLE: GOOD}),
        (None, True, {VARIABLE: GOOD}),
        (None, False, {VARIABLE: ""}),
    ],
)
def test_none_or_two_sources_of_tokens_are_refused(
    file: str | None, insecure: bool, environment: dict[str, str], tmp_path: Path
) -> None:
    given = written(tmp_path, GOOD) if file else None
    with pytest.raises(InputError):
        tokens_of(given, insecure, environment)


def test_anybody_may_ask_where_that_is_said() -> None:
    found = tokens_of(None, True, {})
    assert found.is_open
    assert (found.caller(None), found.caller("anything")) == (0, 0)


def test_a_wrong_token_is_compared_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many comparisons, of as many bytes, for every guess: right at first, right at last, wrong,
    short, long, none."""
    tokens = Tokens.of([GOOD, BETTER])
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(known: bytes, given: bytes) -> bool:
        compared.append((len(known), len(given)))
        return compare(known, given)

    monkeypatch.setattr("leanfair.serving.tokens.hmac.compare_digest", counted)
    found = [tokens.caller(guess) for guess in (GOOD, BETTER, GOOD[:-1], "x" * 9999, "", None, "é")]
    assert found == [1, 2, None, None, None, None, None]
    assert compared == [(32, 32)] * 2 * 7


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"Authorization", b"bearer   abc ")], "abc"),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"Bearer")], None),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], None),
        ([(b"x", b"Bearer a")], None),
        ([], None),
    ],
)
def test_the_token_of_a_request(headers: list[tuple[bytes, bytes]], token: str | None) -> None:
    assert bearer(headers) == token


def test_hashes_are_all_that_is_kept() -> None:
    assert GOOD not in repr(Tokens.of([GOOD]))
