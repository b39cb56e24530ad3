"""A page that asks which of two pictures is better."""

import json

from PIL import Image
from web_pages import MARKS, downloaded

pytestmark = MARKS
RED = """() => {   // whether the left picture is red
    const context = document.createElement('canvas').getContext('2d');
    context.drawImage(document.querySelector('#left img'), 0, 0);
    return context.getImageData(0, 0, 1, 1).data[0] > 0;
}"""


def test_which_is_better(browser, tmp_path):
    """Eight votes of ten for one method; the interval of 8 of 10 by Wilson is 49.0 to 94.3 % (Newcombe 1998, eq. 1)."""
    from pixelart_tf.web import main

    for name, color in (("ours", "red"), ("theirs", "blue")):
        (tmp_path / name).mkdir()
        for nth in range(10):
            Image.new("RGB", (12, 16), color).save(tmp_path / name / f"{nth}.{'png' if name == 'ours' else 'bmp'}")
    save = tmp_path / "which.html"
    assert main(["--compare", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--save", str(save)]) == 0
    assert main(["--compare", str(tmp_path / "ours"), str(tmp_path / "theirs"), "--save", str(save)]) == 2
    page = browser.new_page(viewport={"width": 360, "height": 800})
    asked = []
    page.on("request", lambda request: asked.append(request.url) if not request.url.startswith("data:") else None)
    page.goto(f"{save.as_uri()}?seed=7")
    assert "ours" not in page.locator("#asking").text_content()
    sides = set()
    for nth in range(10):
        page.wait_for_function(f"document.querySelector('#place').textContent.startsWith('Question {nth + 1} ')")
        page.wait_for_function("document.querySelector('#left img').complete")
        is_ours = page.evaluate(RED)
        sides.add(is_ours)
        page.keyboard.press("ArrowLeft" if is_ours == (nth < 8) else "ArrowRight")
        if nth == 3:   # taken back and given again
            page.keyboard.press("Backspace")
            page.wait_for_function("document.querySelector('#place').textContent.startsWith('Question 4 ')")
            page.keyboard.press("ArrowLeft" if is_ours else "ArrowRight")
    assert sides == {True, False}
    cells = page.locator("#rows td").all_text_contents()
    assert cells == ["ours", "80.0 % (49.0 to 94.3 %)", "8 to 2", "0", "ours and theirs"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    votes = json.loads(downloaded(page, tmp_path, lambda: page.click("#votes")).read_text())
    assert [vote["better"] for vote in votes["votes"]].count("ours") == 8
    assert votes["seed"] == 7
    assert asked == [f"{save.as_uri()}?seed=7"]
