"""The looks of a picture: colours of words, outlines of shapes, strokes of wires, in one place.

Colours stay apart for colour-blind readers (blue-green against vermilion) and keep a contrast of 4.5 and more on
white.  They never carry meaning alone: a gradient begins with ``∂``, a flow with ``=``, an alias is dashed, so that a
grey print says the same.
"""

from __future__ import annotations

from collections.abc import Mapping

Attributes = Mapping[str, str]

FONT = "DejaVu Sans"
#: for viewers without the font: Verdana has the same widths
FONTS = "'DejaVu Sans', Verdana, sans-serif"

INK = "#1f2933"
QUIET = "#52606d"
PALE = "#b8c1cb"
VALUE = "#00695c"
GRADIENT = "#b83a00"
FLAG = "#7b1fa2"

#: points; the text of a gate, from which the size of its circle follows, and the larger sign in it
GATE_SIZE = 10
SIGN_SIZE = 13

#: colour and weight of a word by its role.  Graphviz made room for words of normal weight; bold ones are a tenth
#: wider, and therefore smaller where they may fill their outline
WORDS: dict[str, Attributes] = {
    "title": {"fill": INK, "font-weight": "bold", "font-size": "13"},
    "legend": {"fill": QUIET},
    "note": {"fill": QUIET},
    "stage": {"fill": QUIET},
    "statement": {"fill": INK, "font-weight": "bold", "font-size": "9.2"},
    "count": {"fill": INK},
    "call": {"fill": INK, "font-weight": "bold", "font-size": "10"},
    "name": {"fill": INK, "font-weight": "bold", "font-size": "9.2"},
    "sign": {"fill": INK, "font-weight": "bold", "font-size": f"{SIGN_SIZE}"},
    "const": {"fill": QUIET},
    "value": {"fill": VALUE},
    "gradient": {"fill": GRADIENT},
    "sum": {"fill": GRADIENT, "font-weight": "bold", "font-size": "9.2"},
    "local": {"fill": INK},
    "times": {"fill": QUIET},
    "upstream": {"fill": GRADIENT},
    "flow": {"fill": GRADIENT, "font-weight": "bold"},
    "seed": {"fill": GRADIENT},
    "flag": {"fill": FLAG, "font-weight": "bold", "font-size": "9"},
}

#: around the words on a wire, which other wires may cross
HALO: Attributes = {
    "stroke": "white",
    "stroke-width": "2.5",
    "stroke-linejoin": "round",
    "paint-order": "stroke",
}

GRAPH: Attributes = {
    "rankdir": "LR",
    "labelloc": "t",
    "labeljust": "l",
    "fontname": FONT,
    "fontsize": "11",
    "fontcolor": INK,
    "bgcolor": "white",
    "nodesep": "0.16",
    "ranksep": "0.2",
    "pad": "0.15",
}
NODE: Attributes = {
    "fontname": FONT,
    "fontsize": f"{GATE_SIZE}",
    "fontcolor": INK,
    "color": INK,
    "style": "filled",
    "fillcolor": "white",
    "margin": "0.06,0.03",
    "width": "0.2",
    "height": "0.2",
}
EDGE: Attributes = {
    "fontname": FONT,
    "fontsize": "9",
    "fontcolor": GRADIENT,
    "color": QUIET,
    "arrowsize": "0.6",
    "weight": "8",
}

#: by kind of shape, wire and frame
SHAPES: dict[str, Attributes] = {
    "input": {
        "shape": "box",
        "style": "rounded,filled",
        "fillcolor": "#d9efea",
        "color": VALUE,
        "penwidth": "1.6",
    },
    "const": {"shape": "plaintext", "style": "", "fontcolor": QUIET, "fontsize": "9", "margin": "0.02"},
    # "shape": the size is ours, and a text that turns out wider is no error
    "gate": {"shape": "circle", "fixedsize": "shape"},
    "idle": {"shape": "circle", "fixedsize": "shape", "color": PALE, "fontcolor": QUIET},
    # the margin is for bold words, which are wider than Graphviz takes them to be
    "stage": {"shape": "box", "style": "rounded,filled", "margin": "0.14,0.04"},
    "idle stage": {
        "shape": "box",
        "style": "rounded,filled",
        "margin": "0.14,0.04",
        "color": PALE,
        "fontcolor": QUIET,
    },
    "call": {
        "shape": "box",
        "style": "filled",
        "margin": "0.14,0.04",
        "fillcolor": "#eef2f6",
        "penwidth": "1.6",
    },
    "output": {"shape": "box", "style": "rounded,filled", "fillcolor": "#f4f4f4", "peripheries": "2"},
    "alias": {"shape": "box", "style": "rounded,dashed", "color": QUIET, "fontsize": "9"},
}
#: of a gate whose words would need a very large circle
WIDE: Attributes = {"shape": "box", "style": "rounded,filled", "fixedsize": "false", "margin": "0.08,0.07"}
WIRES: dict[str, Attributes] = {
    "flow": {},
    "constant": {"color": PALE, "weight": "1"},
    "idle": {"color": PALE, "weight": "1"},
    "seed": {},
    # the order of the program, not that of the loop, is what one reads from left to right
    "flow back": {"constraint": "false", "style": "dashed"},
    "constant back": {"color": PALE, "weight": "1"},
    "idle back": {"color": PALE, "weight": "1"},
}
FRAMES: dict[str, Attributes] = {
    "stage": {
        "style": "rounded,filled",
        "color": "#cbd2d9",
        "fillcolor": "#f5f7fa",
        "fontcolor": QUIET,
        "fontsize": "9.5",
        "labeljust": "l",
    },
    "call": {"style": "rounded,dashed", "color": QUIET, "fontsize": "11", "labeljust": "l"},
}
