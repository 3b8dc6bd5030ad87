"""A live chart for JupyterLab and Voila that needs no network: a specification goes in, the name of a dot comes out.

Altair's own widget (`alt.JupyterChart`) loads its libraries from a content network unless told otherwise, then bundles
them in the kernel's own time (1.5 s in which nothing else runs), shows errors as HTML and lets Vega evaluate text as
code. Here the libraries come from vl-convert, bundled by another process while the data are read; Vega interprets
expressions (`ast`) instead of evaluating them, and an error is plain text.
"""

import subprocess
import sys
from functools import cache

import anywidget
import traitlets
from altair import SCHEMA_VERSION

_BUNDLE = """
import sys, vl_convert
bundle = vl_convert.javascript_bundle(sys.stdin.buffer.read().decode("utf-8"), vl_version=sys.argv[1])
sys.stdout.buffer.write(bundle.encode("utf-8"))
"""
_WIDGET = """
async function render({ model, el }) {
  let view = null;
  let turn = 0;
  const draw = async () => {
    const mine = ++turn;
    const place = document.createElement("div");
    try {
      const options = { mode: "vega-lite", renderer: "svg", ast: true, actions: false, tooltip: false };
      const drawn = await vegaEmbed(place, structuredClone(model.get("spec")), options);
      if (mine !== turn) { drawn.finalize(); return; }
      view?.finalize();
      view = drawn.view;
      view.signal("chosen", model.get("chosen"));
      view.addEventListener("click", (event, item) => {
        if (item && item.datum && typeof item.datum.id === "string") {
          model.set("chosen", item.datum.id);
          model.save_changes();
        }
      });
      await view.runAsync();
      place.setAttribute("role", "img");
      place.setAttribute("aria-label", model.get("description"));
      place.dataset.view = model.get("name");
    } catch (error) {
      place.textContent = "The chart could not be drawn: " + error.message;
    }
    el.replaceChildren(place);
  };
  const ring = async () => {
    if (view) { await view.signal("chosen", model.get("chosen")).runAsync(); }
  };
  model.on("change:spec", draw);
  model.on("change:chosen", ring);
  await draw();
  return () => { model.off("change:spec", draw); model.off("change:chosen", ring); view?.finalize(); };
}
export default { render };
"""
_CSS = "[data-view] svg { max-width: 100%; height: auto; }"


class LiveChart(anywidget.AnyWidget):
    """A chart on screen. `spec`: Vega-Lite; `chosen`: the `id` of the dot that is ringed, set by a click or from Python;
    `description`: what it shows, in words; `name` says which view it is. Set `spec` last."""

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode(_CSS).tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)


def live_chart() -> LiveChart:
    """A live chart without anything to draw yet."""
    return LiveChart(_esm=_library(), spec={"mark": "point", "data": {"values": []}})


@cache
def start_bundling() -> "subprocess.Popen[bytes] | None":
    """Have the JavaScript libraries bundled by another process, once; None where there cannot be one."""
    command = [sys.executable, "-c", _BUNDLE, _version()]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        process.stdin.write(_WIDGET.encode())
        process.stdin.close()
    except OSError:
        return None
    process.stdin = None
    return process


@cache
def _library() -> str:
    process = start_bundling()
    bundle, _ = process.communicate() if process else (b"", None)
    if process is None or process.returncode:
        import vl_convert

        return str(vl_convert.javascript_bundle(_WIDGET, vl_version=_version()))
    return bundle.decode("utf-8")


def _version() -> str:
    return ".".join(SCHEMA_VERSION.removeprefix("v").split(".")[:2])
