"""The page in a real browser: every step, clicks, keys, widths, dark mode, and no request.

Needs Playwright (``pip install playwright``) and a Chromium, found on the path or named by the
variable CHROMIUM; skipped without them.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule.explanation import explain
from tests.explanation import networks
from tests.explanation.test_renderings import deep

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found (set CHROMIUM to one)"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return a function that opens an explanation, and check afterwards that nothing went wrong."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_page(explanation: Any, width: int = 1600, scheme: str = "light") -> Any:
        file = explanation.save(tmp_path / "page.html")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: r.url in (file.as_uri(), "data:,") or wrong.append(r.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def case(name: str) -> Any:
    found = networks.ALL[name]()
    return explain(found.loss, scope=found.scope)


@pytest.mark.parametrize("name", ["lecture_002", "recurrent", "attention", "normalised"])
def test_every_step_forward_and_backward(opened: Any, name: str) -> None:
    explanation = case(name)
    page = opened(explanation)
    derivation = explanation.derivation
    shown = [v for v in derivation.forward() if not v.folded]
    expected = [v.name for v in shown]
    expected += [
        derivation.values[s.of].gradient_symbol.name
        for s in derivation.steps
        if not derivation.values[s.of].folded
    ]
    seen = []
    for k in range(len(expected)):
        part = ".now-forward math" if k < len(shown) else ".now-backward math"
        seen.append(page.locator(part).first.get_attribute("aria-label"))
        assert page.locator(".node.now").count() == 1
        page.keyboard.press("ArrowRight")
    assert seen == expected
    assert page.locator("#next").is_disabled()
    assert page.locator(".node.ahead").count() == 0
    for _ in expected:
        page.keyboard.press("ArrowLeft")
    assert page.locator("#back").is_disabled()
    assert page.locator("#where").inner_text() == f"forward 1 of {len(shown)}"


def test_buttons_slider_and_keys_agree(opened: Any) -> None:
    page = opened(case("lecture_001"))
    page.click("#next")
    assert page.locator("#where").inner_text().startswith("forward 2")
    page.keyboard.press("End")
    assert page.locator("#where").inner_text().startswith("backward")
    page.locator("#slider").fill("0")
    assert page.locator("#where").inner_text().startswith("forward 1")
    page.click("#last")
    page.click("#first")
    assert page.locator("#where").inner_text().startswith("forward 1")


def test_playing_advances_and_stops(opened: Any) -> None:
    page = opened(case("lecture_001"))
    page.clock.install()
    page.click("#play")
    assert page.locator("#play").get_attribute("aria-pressed") == "true"
    page.clock.run_for(3000)
    assert page.locator("#where").inner_text().startswith("forward 3")
    page.click("#play")
    page.clock.run_for(5000)
    assert page.locator("#where").inner_text().startswith("forward 3")


def test_a_click_shows_a_values_rule_and_numbers(opened: Any) -> None:
    page = opened(case("lecture_002"))
    page.keyboard.press("End")
    for node in page.locator(".node").all():
        node.click()
        key = node.get_attribute("data-key")
        name = page.evaluate(
            f"JSON.parse(document.getElementById('data').textContent).values['{key}'].name"
        )
        assert page.locator("h2 math").get_attribute("aria-label") == name
        assert page.locator("table.heat td").count() > 0


def test_keyboard_reaches_and_opens_a_node(opened: Any) -> None:
    page = opened(case("lecture_001"))
    node = page.locator(".node.parameter").first
    node.focus()
    page.keyboard.press("Enter")
    assert page.locator("h2 math").get_attribute("aria-label") == "w1"


def test_hovering_shows_a_card(opened: Any) -> None:
    page = opened(case("lecture_001"))
    assert page.locator("#card").is_hidden()
    page.locator(".node.parameter").first.hover()
    assert page.locator("#card").is_visible()
    assert page.locator("#card math").count() >= 2


def test_dark_and_light_follow_the_system_and_the_button(opened: Any) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page = opened(case("lecture_001"), scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == "rgb(255, 255, 255)" and colours[1] != colours[0]
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colours[0]


@pytest.mark.parametrize("width", [400, 820, 1600])
@pytest.mark.parametrize("name", ["recurrent", "attention"])
def test_nothing_runs_out_of_the_window(opened: Any, name: str, width: int) -> None:
    page = opened(case(name), width)
    for _ in range(30):
        inner = page.evaluate("document.documentElement.scrollWidth")
        assert inner <= width
        for box in ("#detail", ".player", "header"):
            edge = page.locator(box).bounding_box()
            assert edge["x"] >= 0 and edge["x"] + edge["width"] <= width
        page.keyboard.press("ArrowRight")


def test_controls_have_names(opened: Any) -> None:
    page = opened(case("scalars"))
    for control in page.locator("button, input, .node").all():
        label = control.get_attribute("aria-label") or control.inner_text()
        assert label.strip()


def test_a_deep_net_is_folded_and_the_stepper_opens_its_parts(opened: Any) -> None:
    page = opened(deep(150))
    assert page.locator("#crumbs button").count() == 0
    assert page.locator(".node.part").count() > 1
    page.keyboard.press("ArrowRight")
    inside = page.locator("#crumbs button").count()
    assert inside >= 2
    for _ in range(inside - 1):
        page.keyboard.press("Escape")
    page.locator(".node.part").nth(1).click()
    assert page.locator("#crumbs button").count() >= 2
    page.keyboard.press("End")
    assert page.locator(".node.now").count() == 1


def test_on_paper_every_step_is_there(opened: Any) -> None:
    explanation = case("lecture_001")
    page = opened(explanation)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    derivation = explanation.derivation
    count = len(derivation.steps) + len(list(derivation.forward()))
    assert page.locator("#paper .entry").count() == count
