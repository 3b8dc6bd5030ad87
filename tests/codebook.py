"""The codebook in data/raw/README.md as the declarations make it: `python -m tests.codebook` prints it."""

from kpi_tools.loading.schemas import SCHEMAS, SETTINGS


def codebook():
    """Every setting, table and column as Markdown: what it means, its default, an example."""
    lines = ["### council.toml", "", "| setting | meaning | default | example |"]
    lines.append("|---|---|---|---|")
    for one in SETTINGS:
        name = f"`[{one.part}]` `{one.name}`"
        lines.append(f"| {name} | {one.meaning} | {one.default} | `{one.example}` |")
    for schema in SCHEMAS.values():
        free = " (optional)" if schema.optional else ""
        lines += ["", f"### {schema.file}, one row for each {schema.row}{free}", ""]
        lines += ["| column | meaning | where blank | example |", "|---|---|---|---|"]
        lines += [_line(column) for column in schema.columns]
        if schema.further:
            further = "a further line of numbers, for `bands`"
            lines.append(f"| any other | {further} | not set | `stretch` |")
    return "\n".join(lines)


def _line(column):
    options = " or ".join(f"`{option}`" for option in column.options)
    meaning = ": ".join(filter(None, (column.meaning, options)))
    default = "none" if column.default is None else column.default
    default = "needed" if column.required else column.without or default
    return f"| `{column.name}` | {meaning} | {default} | `{column.example}` |"


if __name__ == "__main__":
    print(codebook())
