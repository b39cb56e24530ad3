"""What other programs get from the page, and what the machine must not give away."""

import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from web_pages import MARKS, PICTURES, ROOT, put, told

pytestmark = MARKS
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_programs_find_the_same(served, tmp_path, monkeypatch):
    """README's lines, run."""
    lines = re.findall(r"^    (from gradio_client.*\n|client = .*\n|path = client.*\n)", README, re.MULTILINE)
    assert len(lines) == 3
    shutil.copy(PICTURES / "gc-cow.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("".join(lines).replace("http://127.0.0.1:7860", served.url), names)
    with Image.open(names["path"]) as image:
        assert image.size == (256, 256)
        assert len(image.convert("RGB").getcolors()) <= 16
    client, handle_file = names["client"], names["handle_file"]
    path = client.predict(
        [handle_file(PICTURES / "nt-cat.png"), handle_file(PICTURES / "nt-pie.png")], generator="none", across=20,
        api_name="/make",
    )
    assert sorted(zipfile.ZipFile(path).namelist()) == ["nt-cat.png", "nt-pie.png"]
    for wrong, reason in (({"palette": "/etc/passwd"}, "No built-in palette"), ({"across": 300}, "cells")):
        with pytest.raises(Exception, match=reason):
            client.predict(handle_file("photo.jpg"), generator="none", **wrong, api_name="/pixelize")


def test_no_file_of_the_machine_can_be_read(served, visit, tmp_path):
    """By Gradio's file routes: absolute, with .., through a link, and of the run folders, which only we open."""
    page = visit("?generator=none")
    put(page, PICTURES / "nt-cat.png")
    told(page, "96 by 96")
    uploads = [path for path in served.temporary.rglob("*.png") if path.is_file()]
    assert uploads
    link = uploads[0].parent / "link.png"
    link.symlink_to("/etc/passwd")
    inside = next(served.temporary.parent.rglob("to_target.keras"))
    for place in ("/etc/passwd", "../../../../etc/passwd", f"{uploads[0]}/../../../../../../../../etc/passwd", link,
                  inside, ROOT / "setup.cfg", "setup.cfg", "%2e%2e/%2e%2e/etc/passwd"):
        for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"{served.url}{route}{place}")
            assert caught.value.code in (403, 404, 405), (route, place)
    link.unlink()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", str(PICTURES / "nt-cat.png")])
def test_a_program_cannot_name_a_file_of_the_machine(served, path):
    """Only what came in by an upload is taken."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    knobs = ["none", "", "across", 8, 8, 4, "found", "mean", "none", 1, False, "hard", 1, 1]
    request = urllib.request.Request(
        f"{served.url}/gradio_api/call/pixelize", data=json.dumps({"data": [file, *knobs]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        event = json.loads(urllib.request.urlopen(request).read())["event_id"]
    except urllib.error.HTTPError as error:
        assert error.code in (400, 403, 422)   # noqa: PT017 (either way of refusing is well)
        return
    answer = urllib.request.urlopen(f"{served.url}/gradio_api/call/pixelize/{event}").read().decode()
    assert "event: error" in answer
    assert "event: complete" not in answer


def test_an_uploads_name_is_no_path(served):
    name = "../../../escaped.png"
    body = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    ).encode() + (PICTURES / "nt-cat.png").read_bytes() + b"\r\n--x--\r\n"
    request = urllib.request.Request(
        f"{served.url}/gradio_api/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    answer = urllib.request.urlopen(request).read().decode()
    place = Path(answer.strip('[]"'))
    assert place.is_relative_to(served.temporary)
    assert place.is_file()


def test_only_this_machine_is_listened_to(served):
    others = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    for host in others[:2]:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
            assert client.connect_ex((host, served.port)) != 0


def test_a_port_that_is_taken_is_told_in_a_line(served):
    done = subprocess.run(
        [sys.executable, "-m", "pixelart_tf.web", "--port", str(served.port)], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{served.port} cannot be listened at" in done.stderr
