"""The report as a reader meets it: in a browser, by mouse and by keyboard.

One start of Chromium looks at the page of a whole run. Where Chromium or playwright is
not installed, these tests are skipped.
"""

import shutil
from pathlib import Path

import pytest
from dossier import Dossier

pytestmark = pytest.mark.workflow

#: Where Debian, Fedora, macOS and others put it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: What is examined for accessibility: each kind of part once, for time.
PARTS = ("header", "nav", "#about", ".finding", "#methods .method", "#panel")

#: Answers each number of the page: in a link, or what a click on it shows.
EVERY_NUMBER = """() => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const panel = document.getElementById("panel");
  const body = document.getElementById("panel-body");
  const lost = [], seen = new Map();
  // Nothing is laid out while thousands of clicks are made.
  document.body.style.display = "none";
  let numbers = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.parentElement;
    if (!/\\d/.test(node.data) || at.closest("script,style,a[href],#panel")) continue;
    numbers += 1;
    const holder = at.closest("[data-row],[data-given]");
    const key = holder && (holder.dataset.row || holder.dataset.given);
    const column = at.closest("[data-column]");
    const same = `${key} ${column && column.dataset.column}`;
    if (key && seen.has(same)) continue;
    panel.hidden = true;
    body.replaceChildren();
    at.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const told = body.textContent;
    const row = holder && holder.dataset.row;
    const shown = row ? body.querySelector("table") && told.includes(row.split(" ")[0])
      : told.length > 8;
    const found = shown && !panel.hidden
      && !told.includes("This row is not on the page.");
    if (found) seen.set(same, true);
    else lost.push(`${node.data.trim().slice(0, 60)} <${at.tagName}> ${key}`);
  }
  document.body.style.display = "";
  document.getElementById("close").click();
  return { numbers, lost };
}"""


def chromium() -> str:
    found = [path for path in map(shutil.which, NAMES) if path]
    if not found:
        pytest.skip("no Chromium on the path: the report is not looked at")
    return found[0]


class Seen:
    """A page in the browser, with what went wrong and what it asked for."""

    def __init__(self, browser, address: str, **options: object) -> None:
        self.page = browser.new_page(bypass_csp=False, **options)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._said)
        self.page.route("**/*", self._asked)
        self.address = address
        self.page.goto(address)

    def _said(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _asked(self, route) -> None:
        if route.request.url == self.address:
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()


@pytest.fixture(scope="module")
def browser():
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright here")
    with driver.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(finished: Dossier) -> str:
    return (finished.folder / "results" / "report.html").as_uri()


@pytest.fixture(scope="module")
def seen(browser, address):
    """Return the page at 1440 pixels."""
    seen = Seen(browser, address, viewport={"width": 1440, "height": 900})
    yield seen
    seen.page.close()


@pytest.fixture
def page(seen):
    seen.page.keyboard.press("Escape")
    return seen.page


def test_opens_at_once_without_errors_and_asks_for_nothing(seen):
    ready = seen.page.evaluate(
        "performance.getEntriesByType('navigation')[0].domInteractive"
    )
    # Two seconds on two processors alone; other tests run beside this one.
    assert ready < 6000
    assert seen.errors == []
    assert seen.requests == []


def test_a_click_on_a_number_shows_row_method_script_and_files(page):
    number = page.locator("[id^=synthesis-] [data-column=estimate]").first
    number.click()
    panel = page.locator("#panel")
    assert panel.is_visible()
    said = panel.inner_text()
    for part in ("pool_synthesis", "results/estimates/synthesis/", "data/published/"):
        assert part in said
    assert panel.locator("tr.printed code").all_inner_texts() == ["estimate"]
    assert page.evaluate("document.activeElement.id") == "panel"
    page.keyboard.press("Escape")
    assert panel.is_hidden()


def test_a_number_is_reached_and_followed_by_the_keyboard(page):
    page.evaluate("document.querySelector('.finding a').focus()")
    page.keyboard.press("Tab")
    assert page.evaluate("'row' in document.activeElement.dataset")
    page.keyboard.press("Enter")
    assert page.locator("#panel").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "close"
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert page.evaluate("'row' in document.activeElement.dataset")


CLICK_A_MARK = """() => {
  const mark = document.querySelector("figure svg [data-row]");
  mark.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const told = document.getElementById("panel-body").textContent;
  return [mark.dataset.row.split(" ")[0], told];
}"""


def test_a_mark_of_a_figure_is_followed(page):
    row, told = page.evaluate(CLICK_A_MARK)
    assert row in told


def test_every_number_of_the_page_is_followed(page):
    found = page.evaluate(EVERY_NUMBER)
    assert found["numbers"] > 5000
    assert found["lost"][:20] == []


def test_search_finds_headings_and_what_is_folded(page):
    page.fill("#search", "sha-256")
    page.wait_for_selector("#results button")
    page.locator("#results button").first.click()
    assert page.evaluate(
        "document.querySelector('.hit').closest('#provenance') !== null"
    )
    page.fill("#search", "no such words here")
    page.locator("#found", has_text="0 places").wait_for(state="attached")


def test_the_skip_link_comes_first_and_leads_to_the_content(browser, address):
    seen = Seen(browser, address, viewport={"width": 360, "height": 740})
    try:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "content"
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == 360
        assert not seen.page.evaluate("document.querySelector('.menu').open")
        seen.page.locator(".menu summary").click()
        seen.page.locator(".contents a[href='#methods']").click()
        assert not seen.page.evaluate("document.querySelector('.menu').open")
        assert seen.errors + seen.requests == []
    finally:
        seen.page.close()


#: Leaves each kind of part once, with few rows in a table, and opens the panel: axe
#: takes a minute for the whole page.
SHORTENED = """(parts) => {
  const kept = new Set(parts.map((part) => document.querySelector(part)));
  for (const kind of ["synthesis", "trial"]) {
    const titles = document.querySelectorAll(`[id^=${kind}-][id$=-title]`);
    const sections = [...titles].map((title) => title.parentElement);
    sections.sort((a, b) => a.innerHTML.length - b.innerHTML.length);
    kept.add(sections[0]);
  }
  const several = ".finding,.method,main section > section";
  const gone = (e) => { if (!kept.has(e)) e.remove(); };
  document.querySelectorAll(several).forEach(gone);
  document.querySelectorAll(".table-block").forEach((table) => {
    const rows = [...table.querySelectorAll("tbody tr")];
    rows.slice(6).forEach((row) => row.remove());
  });
  document.querySelectorAll(".block").forEach((e) => e.classList.add("laid"));
  document.querySelector("[data-column]").click();
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_anybody(browser, address, scheme):
    axe = pytest.importorskip("axe_core_python", reason="no axe-core here")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    # What examines the page is none of the scripts that its policy allows.
    page = browser.new_page(color_scheme=scheme, bypass_csp=True)
    page.set_viewport_size({"width": 1280, "height": 900})
    try:
        page.goto(address)
        page.evaluate(script)
        page.evaluate(SHORTENED, list(PARTS))
        # Colours are all that differs in the dark.
        options = {"resultTypes": ["violations"]}
        if scheme == "dark":
            options["runOnly"] = ["color-contrast"]
        found = page.evaluate("(options) => axe.run(document, options)", options)
        serious = [
            (v["id"], v["nodes"][0]["html"][:200])
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert len(found["passes"]) >= (20 if scheme == "light" else 1)
    finally:
        page.close()


def test_without_scripts_the_page_reads_the_same(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    try:
        page.goto(address)
        assert page.locator("#panel").is_hidden()
        assert page.locator(".contents a[href='#methods']").is_visible()
        folded = page.locator("main details").first
        folded.locator("summary").first.click()
        assert folded.get_attribute("open") is not None
    finally:
        context.close()
