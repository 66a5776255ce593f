"""Renderings: complete, well formed, and telling the same story."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.explanation import Explanation, explain
from chainrule.explanation.render.layout import Box, place
from chainrule.explanation.render.mathml import labelled
from chainrule.explanation.render.text import columns
from chainrule.explanation.render.views import FLAT, MEMBERS, views_of
from tests.explanation import networks

EVERY_CASE = pytest.mark.parametrize("name", networks.ALL)


def of(name: str, **options) -> Explanation:
    case = networks.ALL[name]()
    return explain(case.loss, scope=case.scope, **options)


def deep(layers: int) -> Explanation:
    cr.manual_seed(0)
    net = nn.Sequential(*(nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(layers)))
    return explain(net(cr.ones(2, 3)).sum(), net, scope={"net": net})


class TestText:
    @EVERY_CASE
    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_lines_fit_the_terminal(self, name: str, width: int) -> None:
        for line in of(name).text(width=width).splitlines():
            assert columns(line) <= width, line

    @EVERY_CASE
    def test_every_gradient_has_its_line(self, name: str) -> None:
        explanation = of(name)
        text = explanation.text()
        for step in explanation.derivation.steps:
            value = explanation.derivation.values[step.of]
            if not value.folded:
                assert value.gradient_symbol is not None
                assert f"  {value.gradient_symbol.name} = " in text

    def test_colour_changes_nothing_but_colour(self) -> None:
        explanation = of("lecture_002")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", explanation.text(color=True))
        assert [line.rstrip() for line in plain.splitlines()] == explanation.text().splitlines()
        assert "\x1b[" in explanation.text(color=True)

    def test_small_arrays_whole_large_ones_summarised(self) -> None:
        w = cr.rand(40, 50, requires_grad=True)
        loss = (w * w).sum()
        text = cr.explain(loss).text()
        assert "‖·‖ = " in text and "⋮" in text and "…" in text
        whole = explain(cr.rand(2, 3, requires_grad=True).sum(), scope={}).text()
        assert "‖·‖" not in whole

    def test_precision_and_max_entries(self) -> None:
        w = cr.tensor([[0.123456, 2.0]], requires_grad=True)
        loss = (w * w).sum()
        assert "0.12  2.00" in cr.explain(loss, precision=2).text()
        assert "‖·‖" in cr.explain(loss, max_entries=1).text()
        with pytest.raises(ValueError, match="precision must be at least 0"):
            cr.explain(loss, precision=-1)

    def test_a_narrow_page_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least 40 columns"):
            of("scalars").text(width=10)


class TestLatex:
    @EVERY_CASE
    def test_groups_and_environments_are_closed(self, name: str) -> None:
        document = of(name).latex()
        bare = document.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}")
        for environment in set(re.findall(r"\\begin\{(\w+\*?)\}", document)):
            begun = document.count(rf"\begin{{{environment}}}")
            assert begun == document.count(rf"\end{{{environment}}}")

    @EVERY_CASE
    def test_pdflatex_can_read_every_character(self, name: str) -> None:
        assert all(ord(c) < 384 for c in of(name).latex())

    @pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
    @EVERY_CASE
    def test_it_compiles(self, name: str, tmp_path: Path) -> None:
        of(name).save(tmp_path / "derivation.tex")
        run = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]


class TestData:
    @EVERY_CASE
    def test_it_is_json_and_refers_to_itself_only(self, name: str) -> None:
        explanation = of(name)
        data = json.loads(explanation.json())
        assert data == json.loads(json.dumps(explanation.to_dict()))
        assert (data["schema"], data["version"]) == ("chainrule.explanation", 1)
        keys = {value["key"] for value in data["values"]}
        assert data["loss"] in keys
        for value in data["values"]:
            assert set(value["inputs"]) <= keys
        for step in data["backward"]:
            assert {step["of"], *(k for term in step["terms"] for k in term["via"])} <= keys

    def test_every_field_is_described(self) -> None:
        described = Path("docs/explanation-schema.md").read_text(encoding="utf-8")
        found: set[str] = set()

        def collect(part: object) -> None:
            if isinstance(part, dict):
                found.update(part)
                for value in part.values():
                    collect(value)
            elif isinstance(part, list):
                for value in part:
                    collect(value)

        collect(of("lecture_001").to_dict())
        assert {name for name in found if f"`{name}`" not in described} == set()

    def test_numbers_that_json_does_not_know(self) -> None:
        w = cr.tensor([0.0, -1.0], requires_grad=True)
        data = json.loads(cr.explain(w.log().sum()).json())
        root = next(v for v in data["values"] if v["operation"] == "log")
        assert root["array"]["entries"] == ["-Infinity", "NaN"]


class TestMarkdown:
    @EVERY_CASE
    def test_formulas_and_blocks_are_closed(self, name: str) -> None:
        document = of(name).markdown()
        assert document.count("```") % 2 == 0
        outside = re.sub(r"```.*?```|`[^`]*`", "", document, flags=re.DOTALL)
        assert outside.count("$") % 2 == 0


class TestMathML:
    @EVERY_CASE
    def test_every_formula_is_well_formed_and_knows_its_commands(self, name: str) -> None:
        derivation = of(name).derivation
        formulas = [v.formula for v in derivation.forward()]
        formulas += [form.formula for step in derivation.steps for form in step.forms]
        for formula in formulas:
            assert formula is not None
            latex = formula.latex()
            tree = ET.fromstring(labelled(latex, formula.text()))
            shown = "".join(tree.itertext())
            assert "\\" not in shown and "{" not in shown
            commands = {"mathrm", "operatorname", "frac", "left", "odot", "textstyle", "partial"}
            assert not commands & set(re.findall(r"[A-Za-z]+", shown)), latex

    @pytest.mark.parametrize(
        ("latex", "expected"),
        [
            (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
            (r"{z^{(2)}}^{\top}", "<msup><msup><mi>z</mi>"),
            (r"x_{1}^{2}", "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>"),
            (r"\mathrm{fc\_1.weight}", "<mi>fc_1.weight</mi>"),
            (r"\text{a < b}", "<mtext>a &lt; b</mtext>"),
            (r"f'", "<msup><mi>f</mi><mo>′</mo></msup>"),
        ],
    )
    def test_notations(self, latex: str, expected: str) -> None:
        assert expected in labelled(latex, latex)


class TestLayout:
    def test_edges_run_down_and_boxes_do_not_touch(self) -> None:
        generator = np.random.default_rng(0)
        for _ in range(20):
            count = int(generator.integers(2, 30))
            boxes = [Box(str(k), float(generator.integers(20, 200)), 40.0) for k in range(count)]
            edges = sorted(
                {(str(a), str(b)) for b in range(1, count) for a in generator.integers(0, b, 2)}
            )
            picture = place(boxes, edges)
            for a, b, _ in picture.edges:
                assert picture.boxes[a].rank < picture.boxes[b].rank
            for a in boxes:
                assert a.width / 2 <= a.x <= picture.width - a.width / 2
                for b in boxes:
                    if a is not b and a.rank == b.rank:
                        assert abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6


class TestPicture:
    @EVERY_CASE
    def test_svg_has_a_box_for_every_value(self, name: str) -> None:
        explanation = of(name)
        tree = ET.fromstring(explanation.svg())
        drawn = {e.get("data-key") for e in tree.iter() if e.get("data-key")}
        assert drawn == {v.key for v in explanation.derivation.values.values() if not v.folded}

    def test_it_has_a_title_and_a_description(self) -> None:
        tree = ET.fromstring(of("scalars").svg())
        assert tree.get("role") == "img"
        assert [e.tag.rpartition("}")[2] for e in tree][:2] == ["title", "desc"]

    def test_a_deep_net_is_folded_so_that_every_part_can_be_seen(self) -> None:
        derivation = deep(150).derivation
        views = views_of(derivation)
        assert len(views) > 10
        assert all(len(view.part.members) <= max(FLAT, MEMBERS) for view in views)
        keys = {v.key for v in derivation.values.values() if not v.folded}
        assert {v.key for v in views[0].part.values()} == keys
        labels = {view.part.label for view in views}
        assert "net.0" in labels or any(label.startswith("net.0 …") for label in labels)

    def test_a_block_holds_what_its_modules_compute_and_what_lies_between(self) -> None:
        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.up, self.down = nn.Linear(4, 6), nn.Linear(6, 4)

            def forward(self, x: cr.Tensor) -> cr.Tensor:
                return x + self.down(cr.relu(self.up(x)))

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.blocks = nn.ModuleList(Block() for _ in range(20))
                self.head = nn.Linear(4, 1)

            def forward(self, x: cr.Tensor) -> cr.Tensor:
                for block in self.blocks:
                    x = block(x)
                return self.head(x)

        net = Net()
        derivation = explain(net(cr.ones(2, 4)).sum(), net, scope={}).derivation
        parts = {view.part.label: view.part for view in views_of(derivation)}
        made = [v.operation for v in parts["blocks.7"].values() if v.operation and not v.folded]
        assert made == ["linear", "relu", "linear", "add"]
        assert {v.group for v in derivation.values.values() if v.operation == "sum"} == {""}


class TestPage:
    @EVERY_CASE
    def test_it_asks_for_nothing_from_outside(self, name: str) -> None:
        page = of(name).html()
        loads = re.findall(r"(?:src|href)\s*=\s*[\"']([^\"']*)", page)
        assert all(address.startswith("data:") for address in loads)
        assert "@import" not in page and "url(" not in page

    def test_nothing_of_the_programs_ends_the_script(self) -> None:
        x = cr.tensor(1.0, requires_grad=True)
        loss = x * 2  # </script><script>alert(1)</script>
        page = explain(loss, names={"</script><b>": x}, scope={"loss": loss}).html()
        assert page.count("</script>") == 2
        assert "</script><b>" not in page

    def test_a_deep_net_stays_small(self) -> None:
        page = deep(150).html()
        assert len(page) < 5_000_000


class TestShown:
    def test_a_notebook_gets_the_page_in_a_frame(self) -> None:
        explanation = of("scalars")
        assert explanation._repr_html_().startswith("<iframe")
        assert explanation._repr_markdown_() == explanation.markdown()

    def test_str_is_the_text_and_repr_is_short(self) -> None:
        explanation = of("scalars")
        assert str(explanation) == explanation.text()
        assert re.fullmatch(r"<Explanation of L: 5 operations, 7 gradients>", repr(explanation))

    def test_save_refuses_an_unknown_ending(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"use one of \.txt, \.md"):
            of("scalars").save(tmp_path / "derivation.pdf")

    def test_explain_stays_the_function_once_its_package_is_loaded(self) -> None:
        assert callable(cr.explain)
