"""What a process that makes a report imports, so that copies of this one need not (`running.apart`)."""

import gc
from importlib import import_module

from nbformat import validate
from nbformat.v4 import new_notebook

for _name in (
    "kpi_tools.report", "kpi_tools.files.rejects", "kpi_tools.files.spreadsheets", "kpi_tools.page.chapters",
    "kpi_tools.checks", "kpi_tools.page.released", "kpi_tools.running.kernel", "kpi_tools.running.export",
    "ipykernel.kernelapp", "papermill", "openpyxl",
):  # fmt: skip
    import_module(_name)
validate(new_notebook())  # what it validates with is compiled the first time
gc.set_threshold(50_000)
gc.freeze()  # it stays, so that looking through it for garbage is in vain
