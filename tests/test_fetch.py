import hashlib
import io
import os
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from melodia.errors import CorpusError
from melodia.fetch import (
    STALE,
    convert_command,
    corpora_folder,
    corpus_folder,
    fetch,
    how_to_get,
    locate,
    parts_there,
    prepare_command,
)
from melodia.recipe import Archive, Recipe, load_recipe
from melodia.unpack import unpack


class Server:
    """Serves `files`; a path in `broken` is cut off half way, one in `missing` is answered with 404."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                data = server.files.get(self.path)
                self.send_response(200 if data is not None else 404)
                data = data or b""
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if self.path in server.broken else data)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def archive(self, name, data, **keys):
        self.files[f"/{name}"] = data
        keys = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "part": name.partition(".")[0], **keys}
        return Archive(url=f"{self.url}/{name}", filename=name, **keys)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    serving = Server()
    yield serving
    serving.http.shutdown()
    serving.http.server_close()


def zipped(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(mode="w:gz", **files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return data.getvalue()


ZIP = zipped(**{"set/a.mid": "MThd", "set/sub/b.mid": "MThd", "set/info.csv": "x"})
TAR = tarred(**{"more/c.mid": "MThd"})


def recipe_of(*archives, name="mine", **keys):
    return Recipe(name=name, suffixes=(".mid",), archives=archives, **keys)


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", ZIP),
        ("a.tar.gz", TAR),
        ("a.tar", tarred("w", **{"x/d.mid": "MThd"})),
        ("a.tar.bz2", tarred("w:bz2", **{"d.mid": "MThd"})),
        ("a.tar.xz", tarred("w:xz", **{"d.mid": "MThd"})),
    ],
)
def test_fetched_checked_and_unpacked(server, tmp_path, name, data):
    recipe = recipe_of(server.archive(name, data))
    assert locate(recipe, tmp_path) is None
    seen = []
    folder = fetch(recipe, tmp_path, progress=lambda *report: seen.append(report))
    assert folder == tmp_path / "mine" == locate(recipe, tmp_path)
    assert left_over(tmp_path) == ["mine"] and left_over(folder) == ["a"]
    assert parts_there(recipe, tmp_path) == ["a"]
    assert all(path.read_text() == "MThd" for path in folder.rglob("*.mid"))
    assert (f"fetching {name} from 127.0.0.1", len(data), len(data)) in seen
    assert any(what == f"unpacking {name}" for what, _, _ in seen)


def test_a_second_time_nothing_is_asked_of_the_server(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP), server.archive("b.tar.gz", TAR))
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip", "/b.tar.gz"]
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip", "/b.tar.gz"]


def test_only_the_parts_that_are_asked_for(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP), server.archive("b.tar.gz", TAR, optional=True))
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip"]
    fetch(recipe, tmp_path, ["b"])
    assert server.requests == ["/a.zip", "/b.tar.gz"] and parts_there(recipe, tmp_path) == ["a", "b"]
    with pytest.raises(CorpusError, match="mine: no part 'c'; there are a, b"):
        fetch(recipe, tmp_path, ["c"])


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"sha256": "", "md5": "0" * 32}, {"sha256": "", "bytes": 3}])
def test_a_wrong_checksum_is_told_and_nothing_stays(server, tmp_path, wrong):
    recipe = recipe_of(server.archive("a.zip", ZIP, **wrong))
    with pytest.raises(CorpusError, match=r"a\.zip sent has .* instead of .*put it into .*mine as a\.zip"):
        fetch(recipe, tmp_path)
    assert left_over(tmp_path) == [] and locate(recipe, tmp_path) is None


def test_an_md5_will_do(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP, sha256="", md5=hashlib.md5(ZIP).hexdigest()))
    assert (fetch(recipe, tmp_path) / "a" / "set" / "a.mid").is_file()


def test_a_connection_that_breaks_off_leaves_nothing_and_can_be_tried_again(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))
    server.broken.add("/a.zip")
    with pytest.raises(CorpusError, match="cannot be fetched: the connection broke off; try again, or fetch it yourself"):
        fetch(recipe, tmp_path)
    assert left_over(tmp_path) == []
    server.broken.clear()
    assert locate(recipe, tmp_path) is None and fetch(recipe, tmp_path) == locate(recipe, tmp_path)


def test_what_was_finished_before_a_failure_stays(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP), server.archive("b.tar.gz", TAR))
    server.broken.add("/b.tar.gz")
    with pytest.raises(CorpusError, match=r"b\.tar\.gz cannot be fetched"):
        fetch(recipe, tmp_path)
    assert parts_there(recipe, tmp_path) == ["a"]
    server.broken.clear()
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip", "/b.tar.gz", "/b.tar.gz"]


def test_no_such_file_and_no_server(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))
    server.files.clear()
    with pytest.raises(CorpusError, match="the server answered 404"):
        fetch(recipe, tmp_path)
    away = recipe_of(Archive(url="http://127.0.0.1:9/a.zip", filename="a.zip", part="a", bytes=1234))
    with pytest.raises(CorpusError, match=r"no connection; .*\(1,234 bytes\) and put it into .*mine as a\.zip"):
        fetch(away, tmp_path)
    assert left_over(tmp_path) == []


def test_ctrl_c_leaves_nothing(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))

    def interrupt(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(recipe, tmp_path, progress=interrupt)
    assert left_over(tmp_path) == []


def test_ctrl_c_while_unpacking_keeps_the_download(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))

    def interrupt(what, done, total):
        if what.startswith("unpacking"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(recipe, tmp_path, progress=interrupt)
    assert left_over(tmp_path) == ["mine"] and left_over(tmp_path / "mine") == ["a.zip"]
    assert locate(recipe, tmp_path) is None
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip"] and locate(recipe, tmp_path)


def test_an_archive_that_people_put_there_is_checked_used_and_kept(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.zip").write_bytes(ZIP)
    fetch(recipe, tmp_path)
    assert server.requests == [] and left_over(tmp_path / "mine") == ["a", "a.zip"]


def test_a_damaged_archive_that_people_put_there_is_fetched_anew(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.zip").write_bytes(ZIP[:50])
    fetch(recipe, tmp_path)
    assert server.requests == ["/a.zip"] and (tmp_path / "mine" / "a.zip").read_bytes() == ZIP


def test_what_people_unpacked_there_is_not_fetched(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP))
    (tmp_path / "mine" / "any").mkdir(parents=True)
    assert locate(recipe, tmp_path) is None
    (tmp_path / "mine" / "any" / "x.MID").write_text("MThd")
    assert fetch(recipe, tmp_path) == locate(recipe, tmp_path) == tmp_path / "mine"
    assert server.requests == []


def test_what_only_people_can_fetch(tmp_path):
    recipe = Recipe(
        name="voices",
        how_to_get="Sign in at https://x.org, and put the file into {folder}.",
        suffixes=(".mp3",),
        archives=(Archive(filename="*.tar.gz", part="en"),),
    )
    with pytest.raises(CorpusError, match=rf"voices cannot be fetched by melodia\. Sign in .* into {tmp_path}/voices\.$"):
        fetch(recipe, tmp_path)
    assert left_over(tmp_path) == []
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "release-27.tar.gz").write_bytes(tarred(**{"v/en/clips/a.mp3": "x"}))
    assert locate(recipe, tmp_path) is None
    fetch(recipe, tmp_path)
    assert locate(recipe, tmp_path) and (tmp_path / "voices" / "en" / "v" / "en" / "clips" / "a.mp3").is_file()


def test_a_file_that_is_no_archive_is_kept_as_it_is(server, tmp_path):
    recipe = recipe_of(server.archive("tune.mid", b"MThd"))
    assert (fetch(recipe, tmp_path) / "tune.mid").read_bytes() == b"MThd"
    fetch(recipe, tmp_path)
    assert server.requests == ["/tune.mid"] and locate(recipe, tmp_path)


def test_a_full_disk_is_told_before_fetching(server, tmp_path):
    recipe = recipe_of(server.archive("a.zip", ZIP, bytes=10**18))
    with pytest.raises(CorpusError, match="has 1,000,000,000,000,000,000 bytes, .* has room for"):
        fetch(recipe, tmp_path)
    assert server.requests == [] and left_over(tmp_path) == []


def test_what_a_killed_process_left_long_ago_is_removed(server, tmp_path):
    old, recent = tmp_path / ".mine.fetching-old", tmp_path / ".mine.fetching-recent"
    for folder in (old, recent):
        folder.mkdir()
        (folder / "fetching").write_text("x")
    long_ago = time.time() - STALE - 10
    os.utime(old, (long_ago, long_ago))
    fetch(recipe_of(server.archive("a.zip", ZIP)), tmp_path)
    assert left_over(tmp_path) == [".mine.fetching-recent", "mine"]


@pytest.mark.parametrize("name", ["../evil.mid", "/evil.mid", "a/../../evil.mid", "..\\evil.mid", "C:/evil.mid"])
def test_zip_slip_is_refused(server, tmp_path, name):
    recipe = recipe_of(server.archive("a.zip", zipped(**{"good.mid": "x", name: "x"})))
    with pytest.raises(CorpusError, match="is refused: .* would be written outside its folder"):
        fetch(recipe, tmp_path / "in")
    assert not list(tmp_path.rglob("*.mid")) and not Path("/evil.mid").exists()


@pytest.mark.parametrize("name", ["../evil.mid", "a/../../../evil.mid"])
def test_tar_slip_is_refused(server, tmp_path, name):
    recipe = recipe_of(server.archive("a.tar.gz", tarred(**{name: "x"})))
    with pytest.raises(CorpusError, match="is refused: .*outside the destination"):
        fetch(recipe, tmp_path / "in")
    assert not list(tmp_path.rglob("*.mid"))


@pytest.mark.parametrize(("kind", "target"), [(tarfile.SYMTYPE, "../../.."), (tarfile.SYMTYPE, "/etc"), (tarfile.CHRTYPE, "")])
def test_tar_links_outside_and_devices_are_refused(tmp_path, kind, target):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, target
        archive.addfile(member)
    with pytest.raises(CorpusError, match="is refused"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", ZIP[:-30]),
        ("a.zip", b""),
        ("a.zip", ZIP.replace(b"set/a.mid", b"set/x.mid", 1)),
        ("a.tar.gz", TAR[: len(TAR) // 2]),
        ("a.tar.gz", TAR[:-8] + bytes(8)),
        ("a.tar", b"no tar at all"),
        ("a.tar.xz", tarred("w:xz", **{"d.mid": "MThd" * 9999})[:150]),
    ],
)
def test_a_damaged_archive_is_one_clear_error(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=rf"{name}: cannot be unpacked: .*; remove it and fetch it again"):
        unpack(tmp_path / name, tmp_path / "out")


def test_where_corpora_are(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODIA_CORPORA", str(tmp_path / "env"))
    assert corpora_folder() == tmp_path / "env" and corpora_folder(tmp_path) == tmp_path
    assert corpus_folder(Recipe(name="x")) == tmp_path / "env" / "x"
    monkeypatch.setenv("MELODIA_CORPORA", "")
    assert corpora_folder().name.lower().startswith(("melodia", "cache"))


def test_the_commands_that_come_next(tmp_path):
    place = tmp_path / "my corpora"
    assert prepare_command(load_recipe("jsb"), place) == f"melodia prepare 'jsb={place}/jsb' -o prepared-jsb"
    assert convert_command(load_recipe("jsb"), place) == ""
    assert convert_command(load_recipe("openscore"), place).endswith(f"to_midi.py '{place}/openscore' '{place}/openscore'/midi")


def test_how_to_get_says_what_and_where(tmp_path):
    words = how_to_get(load_recipe("maestro"), tmp_path)
    assert "maestro-v3.0.0-midi.zip (58,416,533 bytes)" in words and str(tmp_path / "maestro") in words
    assert "maestro-v3.0.0.zip" not in words
    assert "to be named ENSTDkCl.zip" in how_to_get(load_recipe("maps"), tmp_path)
    assert str(tmp_path / "commonvoice") in how_to_get(load_recipe("commonvoice"), tmp_path)
    assert "pip install music21" in how_to_get(load_recipe("music21"), tmp_path)
