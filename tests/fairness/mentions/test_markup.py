"""What a reader does not see is hidden, at its place; the rest is as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanfair.fairness.mentions.markup import HIDDEN, column_of, seen
from leanfair.fairness.variations.vary import vary


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<b>She</b> led <i>her</i> team", "She led her team"),
        ('<a href="/she">She</a> won.', "She won."),
        ('<custom-tag note="her">She</custom-tag>', "She</custom-tag>"),
        ("`she = 1` She", " She"),
        ("race: `Black`", "race: `Black`"),
        ("[She](https://x.org/her) won", "[She] won"),
        ("She&#39;s &amp; he&rsquo;s", "She's & he’s"),
        ("<!-- her --><script>she()</script>She", "She"),
        ("```python\nher = 1\n```\nShe", "\n\n\nShe"),
        ("a < b and c > d", "a < b and c > d"),
        ("``She'' said `no'", "``She'' said `no'"),
        ("<li>She<br>won", "\nShe\nwon"),
        ("<td>race</td><td>Black</td>", "|race||Black|"),
        ("plain text", "plain text"),
    ],
)
def test_a_reader_sees(text: str, read: str) -> None:
    assert len(seen(text)) == len(text)
    assert seen(text).replace(HIDDEN, "") == read


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<p>The <em>man</em>&#39;s file</p>", "<p>The <em>woman</em>&#39;s file</p>"),
        ("She <b>met</b> <i>her</i> boss", "He <b>met</b> <i>his</i> boss"),
        ("<p class='him'>I saw <b>her</b>.</p>", "<p class='him'>I saw <b>him</b>.</p>"),
        ("| name | sex |\n|--|--|\n| A | female |", "| name | sex |\n|--|--|\n| A | male |"),
        ("**Her** [profile](/her/page) is new.", "**His** [profile](/her/page) is new."),
        ("```sql\nselect her\n```\nHer case.", "```sql\nselect her\n```\nHis case."),
        ("id\tsex\tn\n1\tM\t2\n", "id\tsex\tn\n1\tF\t2\n"),
        ("id;Sex\n1;M\n2;F", "id;Sex\n1;F\n2;M"),
        ("<tr><th>Sex</th><td>M</td></tr>", "<tr><th>Sex</th><td>F</td></tr>"),
        (
            "<tr><th>Id</th><th>Sex</th></tr>\n<tr><td>1</td><td>F</td></tr>",
            "<tr><th>Id</th><th>Sex</th></tr>\n<tr><td>1</td><td>M</td></tr>",
        ),
        ("**Sex:** M, 40", "**Sex:** F, 40"),
        ("<!-- she -->Her case &amp; hers", "<!-- she -->His case &amp; his"),
    ],
)
def test_markup_stays_byte_for_byte(text: str, wanted: str) -> None:
    found = [v.text for v in vary(text, "gender")]
    assert wanted in found
    assert {v.text for v in vary(wanted, "gender")} == set(found)


def _slowly(text: str, place: int) -> str:
    """The same as `column_of`, by walking up from the cell to the head of its table."""
    start = text.rfind("\n", 0, place) + 1
    stop = text.find("\n", start)
    line = text[start : stop if stop >= 0 else len(text)]
    for sign in "|\t,;":
        if text[start:place].rpartition(sign)[2].strip(" *_`\"'" + HIDDEN):
            continue
        head, many = "", line.count(sign)
        for above in reversed(text[:start].splitlines()) if many else ():
            if above.strip(" *_`\"'" + HIDDEN):
                if above.count(sign) != many:
                    break
                head = above
        column = text[start:place].count(sign)
        if head and column < len(head.split(sign)):
            cell = head.split(sign)[column].strip(" *_`\"'" + HIDDEN)
            return " ".join(cell.replace("_", " ").lower().split())
    return ""


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["|", "|", ",", ";", "\t", "a", "Sex_", "*", " ", "\n", "\n", "\r\n"]))
)
def test_the_head_of_a_column_is_found_at_once_as_by_walking_up(pieces: list[str]) -> None:
    text = "".join(pieces)
    places = range(len(text) + 1)
    assert [column_of(text, i) for i in places] == [_slowly(text, i) for i in places]
