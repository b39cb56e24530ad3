"""One page for all of these tests, and a browser."""

import shutil

import pytest
from web_pages import CHROMIUM, Served, epoch

from pixelart_tf.settings.run_folder import RunFolder


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    runs = folder / "runs"
    (runs / "mine").mkdir(parents=True)
    from pixelart_tf.generators import pretrained

    shutil.copy(pretrained.find("sprite"), runs / "mine" / "to_target.keras")
    shutil.copy(pretrained.find("sprite-inked"), runs / "mine" / "to_source.keras")
    epoch(RunFolder(runs / "mine"), 1, "red")
    page = Served(folder, "--generators", runs, "--max-size", "2048")
    yield page
    page.end()
    left = [path for path in page.temporary.rglob("*") if path.is_file()]
    assert not left, left


@pytest.fixture(scope="module")   # as Playwright lets no other test of the session start it anew
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture
def visit(browser, served):
    """Opens the page; no request may go elsewhere, and no error may be in the console."""
    contexts, outside, errors = [], [], []

    def opened(query="", *, width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)   # of a machine that does much else
        page.on("request", lambda request: outside.append(request.url)
                if not request.url.startswith((served.url, "data:", "blob:")) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.url + query)
        page.wait_for_selector("#pa-stage")
        page.wait_for_selector("[data-kind=ready]", state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not outside
    assert not errors
