"""The way out: whatever the texts from outside hold, nothing runs, nothing leaves the machine, no cell calculates."""

import csv
import html
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbconvert import HTMLExporter
from openpyxl import load_workbook
from papermill import execute_notebook

from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.table import offline_page
from kpi_tools.loading import commentary_until, load
from kpi_tools.loading.cells import clean_name
from kpi_tools.report import make, make_report, page_jobs
from kpi_tools.report.export import to_html
from kpi_tools.spreadsheets import write_csv, write_workbook
from kpi_tools.templates import write_templates
from tests.payloads import AWAY, FORMULAS, PAYLOADS, QUARTER, SCRIPTS, write_hostile_council
from tests.workplace import unfit

LONG = os.environ.get("KPI_LONG") == "1"
EXPLORER = Path(__file__).parents[1] / "notebooks" / "directorate_explorer.ipynb"
SPREADSHEETS = ("kpis.csv", "kpis.xlsx", "rejected.csv", "problems.csv")
WATCH = "window.fired = 0; window.pwned = () => { window.fired += 1; }; window.alert = window.open = window.pwned;"
TOUCH = """() => {
    document.querySelectorAll('details').forEach(e => e.open = !e.open);
    for (const e of document.querySelectorAll('body *'))
        for (const name of ['mouseover', 'mouseenter', 'focus', 'click', 'toggle', 'error'])
            e.dispatchEvent(new MouseEvent(name, {bubbles: name != 'error', cancelable: true}));
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A project in a folder whose name is an attack as well: it reaches the notebook as a parameter."""
    name = 'x"); import os; os.abort() #<img src=x onerror=pwned()>'
    project = tmp_path_factory.mktemp("way out") / name
    write_hostile_council(project / "raw")
    return project


@pytest.fixture(scope="module")
def made(place, worker):
    given = {"allow_rejected": True, "worker": worker}
    return make_report(QUARTER, place / "raw", place / "outputs", **given)


@pytest.fixture(scope="module")
def page(made):
    return (made.folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(made, place):
    """Every spreadsheet that we write."""
    folders = (made.folder, place / "processed" / "2024-25-Q3")
    found = [path for folder in folders for path in sorted(folder.iterdir())]
    found = [path for path in found if path.name in SPREADSHEETS or "rejected-" in path.name]
    assert {path.name for path in found} > set(SPREADSHEETS)
    return [*found, *write_templates(place / "raw", "2024-25 Q4", place / "outputs")]


@pytest.fixture
def watched(browser):
    """`watched(page)`: how often a script ran in it, and whither it turned, when everything in it was touched."""
    context = browser.new_context()
    context.add_init_script(WATCH)
    away: list[str] = []

    def refuse(route: Any) -> None:
        away.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith(("about:", "data:", "blob:")), refuse)

    def open_(text: str) -> tuple[int, list[str]]:
        away.clear()
        opened = context.new_page()
        opened.on("dialog", lambda dialog: dialog.dismiss())
        opened.set_content(text, wait_until="domcontentloaded")
        opened.evaluate(TOUCH)
        opened.wait_for_function("new Promise(done => setTimeout(() => done(true), 100))")
        fired = sum(bool(frame.evaluate("window.fired")) for frame in opened.frames)
        left = [] if opened.url.partition("#")[0] == "about:blank" else [opened.url]
        opened.close()
        return fired, [*away, *left]

    yield open_
    context.close()


def test_there_are_enough_and_they_are_all_in_the_page(page):
    assert len(SCRIPTS) >= 60 and len(FORMULAS) >= 20
    text = html.unescape(page).replace("'", "’")
    shown = [clean_name(payload).replace("'", "’") for payload in PAYLOADS]
    assert [payload for payload in shown if payload not in text] == []
    assert unfit(page) == []


@pytest.mark.browser
def test_they_do_fire_where_nothing_guards(watched):
    bare = (html.escape(f"<body><p>{payload}</p></body>") for payload in SCRIPTS)
    fired, away = watched("".join(f'<iframe srcdoc="{text}"></iframe>' for text in bare))
    assert fired >= 30 and len(set(away)) >= 5


@pytest.mark.slow  # the next one asks for more
@pytest.mark.browser
def test_in_the_report_none_fires_and_nothing_leaves(watched, page):
    assert watched(page) == (0, [])


@pytest.mark.browser
def test_escaping_alone_holds_without_the_pages_policy(watched, page):
    bare = page.replace("http-equiv", "name", 1)
    assert bare != page
    assert watched(bare) == (0, [])


@pytest.mark.browser
def test_none_fires_in_the_notebook_as_others_may_export_it(watched, made):
    notebook = nbformat.read(made.folder / "report.ipynb", as_version=4)
    exported, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    fired, away = watched(exported)
    assert fired == 0 and not [address for address in away if AWAY in address]


@pytest.fixture(scope="module")
def accepted(place):
    """The same council, whose returns are accepted."""
    return write_hostile_council(place / "accepted", refused_rows=False)


@pytest.fixture(scope="module")
def histories(accepted, place, worker):
    """The history of four KPIs, whose fields hold most of the payloads between them."""
    ids = load(accepted, QUARTER).catalogue["kpi_id"].tolist()
    four = [ids[at] for at in (1, 9, 17, 25)]
    jobs = page_jobs("history", four, QUARTER, accepted, place / "outputs", worker=worker)
    return [make(job, worker) for job in jobs]


@pytest.mark.browser
@pytest.mark.slow
def test_in_the_history_of_a_kpi_none_fires_and_nothing_leaves(watched, histories):
    text = ""
    for made in histories:
        shown = (made.folder / "history.html").read_text(encoding="utf-8")
        bare = shown.replace("http-equiv", "name", 1)
        assert watched(shown) == watched(bare) == (0, [])
        notebook = nbformat.read(made.folder / "history.ipynb", as_version=4)
        fired, away = watched(HTMLExporter().from_notebook_node(notebook)[0])
        assert fired == 0 and not [address for address in away if AWAY in address]
        tables = [made.folder / "figures.csv", made.folder / "figures.xlsx"]
        test_no_cell_that_we_write_is_a_formula(tables)
        text += html.unescape(shown)
    shown = [clean_name(payload).replace("'", "\u2019") for payload in SCRIPTS]
    assert sum(payload in text.replace("'", "\u2019") for payload in shown) >= 60


@pytest.mark.browser
def test_in_the_offline_page_none_fires_and_nothing_leaves(watched, accepted):
    """It is the explorer's screen itself, with all that it is given; four KPIs hold most payloads."""
    returns = load(accepted, QUARTER)
    ids = returns.catalogue["kpi_id"]
    known = evidence(returns, set(ids if LONG else ids[1::8]))
    page = offline_page(known, "", commentary_until(accepted, returns))
    assert watched(page.replace("http-equiv", "name", 1)) == (0, [])
    assert not LONG or watched(page) == (0, [])


@pytest.mark.slow
@pytest.mark.browser
def test_in_the_explorer_as_anybody_exports_it_none_fires_and_nothing_leaves(
    watched, accepted, tmp_path
):
    given = {"directorate": "", "quarter": QUARTER, "raw": str(accepted)}
    how = {"kernel_name": "python3", "progress_bar": False}
    run = execute_notebook(EXPLORER, tmp_path / "explorer.ipynb", given, **how)
    for template in ("basic", "lab"):
        exported, _ = HTMLExporter(template_name=template).from_notebook_node(run)
        fired, away = watched(exported)
        assert fired == 0 and not [address for address in away if AWAY in address]


def test_titles_authors_and_provenance_are_text():
    for payload in PAYLOADS if LONG else ["\n".join(PAYLOADS)]:
        name = clean_name(payload)
        text = nbformat.v4.new_markdown_cell(f"## One\n\nText\n\n{payload}")
        notebook = nbformat.v4.new_notebook(cells=[text])
        # it refuses what may run
        shown = to_html(notebook, title=name, author=name, date="2024-12-31", provenance=name)
        title = f"<title>{html.escape(name, quote=False)}</title>".replace("'", "&#39;")
        assert title in shown.replace("&#34;", '"'), payload


def cells(path: Path) -> list[Any]:
    if path.suffix == ".xlsx":
        every = (cell for sheet in load_workbook(path) for row in sheet for cell in row)
        return [cell for cell in every if cell.value is not None]
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [cell for row in csv.reader(file) for cell in row]


def test_no_cell_that_we_write_is_a_formula(written):
    for path in written:
        found = cells(path)
        assert found
        if path.suffix == ".xlsx":
            assert [cell.value for cell in found if cell.data_type == "f" or cell.hyperlink] == []
        else:
            bare = [cell.lstrip(" \u00a0\ufeff\u200b\n") for cell in found]
            number = re.compile(r"[+-][\d.]+(e[+-]?\d+)?")
            begins = tuple("=+-@\t\r＝＋－＠")
            live = [cell for cell in bare if cell.startswith(begins) and not number.fullmatch(cell)]
            assert live == [] and not any("\r" in cell for cell in found)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_each_of_them_is_made_harmless_at_the_beginning_of_a_cell(tmp_path, ending):
    cells_of = {f"{payload} {place}": [payload] for place, payload in enumerate(PAYLOADS)}
    table = pd.DataFrame(cells_of)
    path = tmp_path / f"table{ending}"
    write_csv(table, path) if ending == ".csv" else write_workbook({FORMULAS[0]: table}, path)
    test_no_cell_that_we_write_is_a_formula([path])
    assert len(cells(path)) == 2 * len(PAYLOADS)


@pytest.mark.slow
def test_libreoffice_finds_no_formula_either(written, tmp_path, program):
    office = program("soffice")
    (tmp_path / "live.csv").write_text('a\n"=1+1"\n')  # what shows that it would calculate
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    # comma, quotation mark, UTF-8, from row 1, …, the last but one true: formulas are calculated
    as_csv = "--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,0,true"
    for folder, ending, how in (("csv", ".csv", [as_csv]), ("xlsx", ".xlsx", [])):
        given = [str(path) for path in written if path.suffix == ending][:8]
        given += [str(tmp_path / "live.csv")] if ending == ".csv" else []
        to = ["--convert-to", "xlsx", "--outdir", str(tmp_path / folder)]
        command = [office, home, "--headless", *how, *to, *given]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        for path in given:
            saved = tmp_path / folder / Path(path).with_suffix(".xlsx").name
            formulas = [cell.value for cell in cells(saved) if cell.data_type == "f"]
            assert formulas == (["=1+1"] if "live" in path else []), path
