import base64
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from melodia.inspection import page as page_module
from melodia.inspection.page import page, page_data, write_page
from melodia.inspection.units import rank
from tests.inspection.music import planted

VOID = {"meta", "br", "img", "input", "hr", "link"}


class Reader(HTMLParser):
    """Keeps the open tags, the addresses and the text of each script."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.scripts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += text


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def made(**changes):
    reading = planted(**changes)
    return reading, rank(reading.traces, reading.signals)


def test_the_page_stands_alone_and_holds_the_data():
    reading, ranked = made()
    text = page(reading, ranked, [0, 1])
    reader = read(text)
    assert reader.addresses == [] and len(reader.scripts) == 2
    assert not re.search(r"@import|url\(|https?:|import\(|fetch\(|\[\[[A-Z]+\]\]", text)
    assert "default-src 'none'" in text
    data = json.loads(reader.scripts[0])
    assert data["title"] == "made.up" and len(data["boxes"]) == 120 and data["steps"] == 120
    assert data["names"][0]["name"] == "bell" and data["names"][0]["best"][0] == [1, 3, 1.0]
    assert data["constant"] == ["still", "nowhere"]
    edges = np.frombuffer(base64.b64decode(data["edges"]), "<f4")
    assert len(edges) == 121 and edges[-1] == 60


def test_numbers_survive_the_journey():
    reading, ranked = made()
    data = page_data(reading, ranked, [0, 1])
    (unit,) = [one for one in data["units"] if (one["layer"], one["unit"]) == (1, 3)]
    cell = (np.frombuffer(base64.b64decode(unit["cell"]), np.uint8).astype(float) - 128) / 127 * unit["most"]
    assert cell == pytest.approx(reading.traces[1]["cell"][:, 3], abs=0.03)
    gate = np.frombuffer(base64.b64decode(unit["forget"]), np.uint8) / 255
    assert gate == pytest.approx(reading.traces[1]["forget"][:, 3], abs=0.003)
    fit = np.frombuffer(base64.b64decode(data["names"][0]["fits"]["1/3"]), np.uint8)
    assert fit.tolist() == np.frombuffer(base64.b64decode(unit["cell"]), np.uint8).tolist()  # it follows exactly


def test_names_from_files_are_text_and_nothing_else():
    evil = "[[DATA]]</script><script>alert(1)</script><!--"
    signals = {evil: planted().signals["bell"]}
    reading = planted(title=evil, model=evil, groups=[evil, "x"], signals=signals, facts=[evil])
    reading.boxes[0] = reading.boxes[0]._replace(label=evil, likelier=evil)
    text = page(reading, rank(reading.traces, signals), [0])
    reader = read(text)
    assert len(reader.scripts) == 2 and json.loads(reader.scripts[0])["title"] == evil
    assert "<script>alert" not in text and "<!--" not in text
    assert "innerHTML" not in text and "insertAdjacentHTML" not in text


def test_many_steps_and_layers_stay_within_the_limit(monkeypatch):
    monkeypatch.setattr(page_module, "MOST_BYTES", 60_000)
    monkeypatch.setattr(page_module, "MOST_FITTED", 6_000)
    reading, ranked = made(steps=1000, units=200)
    data = page_data(reading, ranked, [0, 1])
    assert 4 <= len(data["units"]) <= 12
    assert sum(len(name["fits"]) for name in data["names"]) <= 6
    best = ranked[0].best[0]
    assert f"{best.layer}/{best.unit}" in data["names"][0]["fits"]


def test_nothing_to_follow(tmp_path):
    reading = planted(steps=2, signals={}, boxes=[])
    path = write_page(reading, [], tmp_path / "deep" / "index.html", [0, 1])
    data = json.loads(read(path.read_text("utf-8")).scripts[0])
    assert data["names"] == [] and data["layers"][0]["rows"] and data["units"]
