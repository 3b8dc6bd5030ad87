"""Words written back into the council's own file: only the row changes, nobody's work is lost."""

import csv
import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.errors import KpiError
from kpi_tools.explorer.words import ConflictError, read_words, save_words, undo, words_file
from kpi_tools.quarters import Quarter

HEAD = ["kpi_id", "section", "commentary", "management_action", "author", "status"]
QUARTER = Quarter(2024, 3)


def file_of(rows, encoding="utf-8", separator=",", end="\r\n", quoting=csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([HEAD, *rows])
    return out.getvalue().encode(encoding)


ROWS = (("A", "", "One, with £5.", "", "Head", "final"), ("B", "", "Two.", "Do.", "", ""))


def written(tmp_path, rows=ROWS, **form):
    path = tmp_path / "commentary" / "2024-25-Q3.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(file_of(rows, **form))
    return path


FORMS = [
    {"encoding": "utf-8-sig"},
    {"encoding": "cp1252", "separator": ";"},
    {"encoding": "utf-16", "separator": "\t"},
    {"end": "\n", "quoting": csv.QUOTE_ALL},
]


def test_a_file_whose_quotation_marks_do_not_match_is_left_as_it_is(tmp_path):
    path = written(tmp_path)
    content = path.read_bytes() + b'C,,"He said "yes", then left",x\r\n'
    path.write_bytes(content)
    with pytest.raises(KpiError, match="quotation marks .* do not match, in line 4"):
        save_words(path, "B", ("Two.", "Other."), None)
    assert path.read_bytes() == content


@pytest.mark.parametrize("form", FORMS)
def test_only_the_row_changes_and_the_form_of_the_file_stays(tmp_path, form):
    path = written(tmp_path, **form)
    rows = [ROWS[0], ("B", "", "Two – “new”.\nMore.", "Do.", "", "")]
    save_words(path, "b", ("Two – “new”.\r\nMore. ", "Do."), ("Two.", "Do."))
    assert path.read_bytes() == file_of(rows, **form)
    assert read_words(path, "B") == ("Two – “new”.\nMore.", "Do.")


def test_a_new_row_comes_last_and_empty_texts_take_it_away(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    save_words(path, "C", ("New.", ""), ("", ""))
    assert path.read_bytes() == before + b"C,,New.,,,\r\n"
    save_words(path, "C", ("", " "), ("New.", ""))
    assert path.read_bytes() == before


def test_a_quarter_without_a_file_gets_one(tmp_path):
    path = words_file(tmp_path, QUARTER)
    assert read_words(path, "A") == ("", "")
    saved = save_words(path, "A", ("First.", "Act."), ("", ""))
    assert path.read_bytes() == file_of([("A", "", "First.", "Act.", "", "")])
    undo(saved)
    assert not path.exists()


def test_what_somebody_else_wrote_is_not_written_over(tmp_path):
    path = written(tmp_path)
    save_words(path, "B", ("Theirs.", "Do."), ("Two.", "Do."))
    with pytest.raises(ConflictError) as caught:
        save_words(path, "B", ("Mine.", "Do."), ("Two.", "Do."))
    assert caught.value.theirs == ("Theirs.", "Do.")
    assert read_words(path, "B") == ("Theirs.", "Do.")
    save_words(path, "A", ("Another KPI does not mind.", ""), ("One, with £5.", ""))
    save_words(path, "B", ("Mine.", "Do."), None)
    assert read_words(path, "B") == ("Mine.", "Do.")


def test_undo_gives_back_every_byte_unless_the_file_was_changed_since(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    saved = save_words(path, "B", ("New.", ""), ("Two.", "Do."))
    undo(saved)
    assert path.read_bytes() == before
    saved = save_words(path, "B", ("New.", ""), ("Two.", "Do."))
    save_words(path, "A", ("Theirs.", ""), None)
    with pytest.raises(KpiError, match="has been changed since, so the save is not undone"):
        undo(saved)
    assert read_words(path, "A") == ("Theirs.", "")


@pytest.mark.parametrize(("beside", "sentence"), [
    ("~$2024-25-Q3.csv", "is open in another program: close it there"),
    (".~lock.2024-25-Q3.csv#", "is open in another program: close it there"),
    (".2024-25-Q3.csv.writing", "is being written at this moment"),
])  # fmt: skip
def test_a_file_that_is_open_elsewhere_is_left_alone(tmp_path, monkeypatch, beside, sentence):
    monkeypatch.setattr("kpi_tools.explorer.words._PATIENCE", 0.0)
    path = written(tmp_path)
    before = path.read_bytes()
    (path.parent / beside).touch()
    with pytest.raises(KpiError, match=sentence):
        save_words(path, "A", ("New.", ""), None)
    assert path.read_bytes() == before


def test_a_character_that_the_file_cannot_hold_is_named(tmp_path):
    path = written(tmp_path, rows=[("A", "", "£ in cp1252", "", "", "")], encoding="cp1252")
    before = path.read_bytes()
    with pytest.raises(KpiError, match="in cp1252, which has no '→'"):
        save_words(path, "A", ("Better →", ""), None)
    assert path.read_bytes() == before


def test_words_in_a_workbook_or_a_folder_that_cannot_be_written_are_a_sentence(tmp_path):
    (tmp_path / "commentary").mkdir()
    (tmp_path / "commentary" / "2024-25-Q3.xlsx").touch()
    with pytest.raises(KpiError, match="stand in 2024-25-Q3.xlsx: write them there"):
        words_file(tmp_path, QUARTER)
    (tmp_path / "file").touch()
    with pytest.raises((KpiError, OSError)):
        save_words(tmp_path / "file" / "2024-25-Q3.csv", "A", ("x", ""), None)


def test_several_writers_at_once_lose_nothing(tmp_path):
    path = written(tmp_path, rows=[])
    ids = [f"K{n}" for n in range(12)]
    texts = {one: (f"Text {one}.", "") for one in ids}
    threads = [
        threading.Thread(target=save_words, args=(path, one, texts[one], ("", ""))) for one in ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one: read_words(path, one) for one in ids} == texts
    assert [left.name for left in path.parent.iterdir()] == [path.name]


TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"),
    max_size=30,
).map(str.strip)


@given(
    st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4),
    st.tuples(TEXT, TEXT),
    st.integers(0, 3),
)
def test_any_text_comes_back_and_the_others_stay(tmp_path_factory, before, new, at):
    at %= len(before)
    path = tmp_path_factory.mktemp("words") / "2024-25-Q3.csv"
    rows = [(f"K{n}", "", one or "x", two, "", "") for n, (one, two) in enumerate(before)]
    path.write_bytes(file_of(rows))
    save_words(path, f"K{at}", (new[0] or "y", new[1]), None)
    rows[at] = (f"K{at}", "", new[0] or "y", new[1], "", "")
    assert list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))) == [
        HEAD,
        *map(list, rows),
    ]
