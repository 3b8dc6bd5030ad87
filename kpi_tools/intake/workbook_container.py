"""The container of a workbook from outside: what is refused before anything in it is read as a sheet.

Zip and XML are judged by what they say of themselves: parts, sizes, macros, links, document types. Standard library only.
"""

import io
import os
import re
import zipfile
from xml.parsers import expat

MAX_UNPACKED, MAX_RATIO, MAX_PARTS = 50 * 2**20, 100, 2_000
MAX_OUTLINE = 4 * 2**20
"""Of each part that holds no cells: styles, names, the list of sheets."""

_OUTLINE = re.compile(
    r"xl/workbook\d*\.xml|.*styles\d*\.xml|.*\.rels|\[Content_Types\]\.xml|docProps/.*"
)
BOOK = re.compile(r"xl/workbook\d*\.xml")
"""The part that lists the sheets."""


class Refused(Exception):
    """A workbook that is not read: (code, detail)."""


def check_container(raw: bytes) -> zipfile.ZipFile:
    """The .xlsx container in `raw`, after what can be told without unpacking it. Raises `Refused`."""
    try:
        container = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise Refused("file-truncated", "it is not a whole workbook") from error
    parts = container.infolist()
    names = [part.filename for part in parts]
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("file-password", "")
    if any("vbaproject" in name.lower() or "macro" in name.lower() for name in names):
        raise Refused("file-macros", "")
    if "xl/workbook.bin" in names:
        raise Refused("file-kind", "a binary workbook (.xlsb)")
    if "mimetype" in names and "content.xml" in names:
        raise Refused("file-kind", "an OpenDocument file")
    if not any(map(BOOK.fullmatch, names)):
        raise Refused("file-kind", "a zip archive without a workbook in it")
    links = sum(bool(re.fullmatch(r"xl/externallinks/[^/]+\.xml", name.lower())) for name in names)
    if links or "xl/connections.xml" in map(str.lower, names):
        raise Refused(
            "file-links", f"{links} linked" if links else "a query of a database, file or web page"
        )
    unpacked, packed = (
        sum(part.file_size for part in parts),
        sum(part.compress_size for part in parts),
    )
    if len(parts) > MAX_PARTS or len(set(names)) < len(names):
        raise Refused("file-hostile", f"it has {len(parts):,} parts, or two of one name")
    if unpacked > MAX_UNPACKED:
        raise Refused(
            "file-large",
            f"it unpacks to {unpacked // 2**20:,} MB, more than {MAX_UNPACKED // 2**20}",
        )
    if unpacked > MAX_RATIO * max(packed, 1) and unpacked > 2**20:
        raise Refused(
            "file-hostile", f"it unpacks to {unpacked // max(packed, 1):,} times its size"
        )
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            if part.file_size > MAX_OUTLINE and _OUTLINE.fullmatch(part.filename):
                raise Refused(
                    "file-hostile",
                    f"{os.path.basename(part.filename)} has {part.file_size // 2**20} MB",
                )
            _check_xml(os.path.basename(part.filename), container.read(part))
    return container


def _check_xml(name: str, part: bytes) -> None:
    """Refuse a part that declares a document type, as the parser itself sees it, and so every entity."""

    def refuse(*_: object) -> None:
        raise Refused("file-hostile", f"{name} declares a document type")

    if part[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused("file-hostile", f"{name} is in UTF-16")
    if name == "[Content_Types].xml" and b"macroEnabled" in part:
        raise Refused("file-macros", "")
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise Refused("file-truncated", f"{name} is not whole") from error
