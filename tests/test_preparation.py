"""Preparation with a small representation of its own: it knows no domain."""

import hashlib
import io
import itertools
import json
import os
import shutil
import tarfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import melodia.shards
from melodia.corpus import Corpus
from melodia.errors import ConfigError, CorpusError
from melodia.preparation import PrepareConfig, prepare
from melodia.recipe import Recipe
from melodia.representation import Derived, Reading
from melodia.shards import read_index
from melodia.sources import Source, parse_source
from melodia.splits import minhash


@dataclass(frozen=True)
class Letters:
    """Each word as a row of its length and first letter, and the letters as a second array."""

    copies: int = 0
    least: int = 1
    name = "letters"
    domain = "spelling"
    unit = "words"
    arrays = ("words", "letters")
    suffixes = frozenset({".txt"})
    files_a_shard = 4

    def companions(self, name):
        return ()

    def settings(self):
        return asdict(self)

    def for_recipe(self, recipe):
        return self

    def read(self, path, data):
        if b"\0" in data:
            raise CorpusError(f"{path.name}: not a text")
        words = data.decode().split()
        if len(words) < self.least:
            raise CorpusError(f"{path.name}: no words")
        rows = np.array([[len(w), ord(w[0])] for w in words], dtype=np.int16)
        letters = np.frombuffer(data, dtype=np.uint8)[:, None]
        return Reading({"words": rows, "letters": letters}, len(words), minhash([hash_of(w) for w in words]))

    def derive(self, records):
        train = [i for i, r in enumerate(records) if r.split == "train"]
        return [
            Derived("made", f"{c}-{records[i].path}", records[i].group, (i,), (c, i)) for c in range(self.copies) for i in train
        ]

    def combine(self, parents, derived):
        (arrays,) = parents
        return Reading({k: v[::-1] for k, v in arrays.items()}, len(arrays["words"]))


def hash_of(word):
    return int.from_bytes(word.encode()[:7], "big")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "texts"
    for i in range(10):
        path = folder / f"part{i % 3}" / f"{i}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(f"word{i}{j}" for j in range(20 + i)))
    (folder / "bad.txt").write_bytes(b"\0\0")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def source(path, name="texts", **recipe):
    return Source(Recipe(name=name, **recipe), path)


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def table(out):
    return {path.name: path.read_bytes() for path in (out / "shards").glob("*.pieces.jsonl")}


def test_a_folder_becomes_memory_mapped_pieces(folder, tmp_path):
    counts = prepare([source(folder)], tmp_path / "out", Letters(), PrepareConfig())
    assert counts["pieces"] == 10 and counts["rejected"] == 2 and counts["read"] == 12
    assert counts["words"] == sum(20 + i for i in range(10))
    corpus = Corpus(tmp_path / "out")
    found = {r.path: r for r in corpus.records()}
    assert set(found) == {f"part{i % 3}/{i}.txt" for i in range(10)}
    for split in ("train", "valid", "test"):
        words, letters = corpus.pieces(split), corpus.pieces(split, "letters")
        paths = [r.path for r in found.values() if r.split == split]
        assert [len(p) for p in words] == words.lengths.tolist() == [found[p].num_rows[0] for p in paths]
        assert [bytes(p[:, 0]) for p in letters] == [(folder / path).read_bytes() for path in paths]
        assert isinstance(words[0], np.memmap)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["sources"] == [{"name": "texts", "licence": "not stated", "url": "", "files": 12}]
    assert len(manifest["shards"]) == 3
    rejected = (tmp_path / "out" / "rejected.tsv").read_text().splitlines()
    assert rejected == ["path\treason", "texts/bad.txt\tbad.txt: not a text", "texts/empty.txt\tempty.txt: no words"]


def test_the_same_files_give_the_same_bytes_on_one_process_or_two(folder, tmp_path):
    prepare([source(folder)], tmp_path / "a", Letters(copies=2), PrepareConfig())
    prepare([source(folder)], tmp_path / "b", Letters(copies=2), PrepareConfig(jobs=2))
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_unchanged_files_are_not_read_again(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(copies=1), PrepareConfig())
    before = files(out)
    opened = []
    plain = melodia.shards.read_limited
    monkeypatch.setattr("melodia.shards.read_limited", lambda path, most: opened.append(path.name) or plain(path, most))
    assert prepare([source(folder)], out, Letters(copies=1), PrepareConfig())["read"] == 0
    assert opened == [] and files(out) == before
    (folder / "part0" / "00.txt").write_text("new words come first and move all others on")
    (folder / "part1" / "1.txt").write_text("this one has changed since")
    assert prepare([source(folder)], out, Letters(copies=1), PrepareConfig())["read"] == 2
    assert sorted(opened) == ["00.txt", "1.txt"]
    fresh = tmp_path / "fresh"
    prepare([source(folder)], fresh, Letters(copies=1), PrepareConfig())
    assert files(out) == files(fresh)  # and nothing of what was there before is left


def test_a_new_date_alone_costs_a_look_but_no_reading(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(), PrepareConfig())
    pieces = table(out)
    os.utime(folder / "part1" / "1.txt", (1, 1))
    monkeypatch.setattr(Letters, "read", lambda *_: pytest.fail("it was read"))
    prepare([source(folder)], out, Letters(), PrepareConfig())
    assert table(out) == pieces


def test_other_settings_read_all_files_anew(folder, tmp_path):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(), PrepareConfig())
    counts = prepare([source(folder)], out, Letters(least=22), PrepareConfig())
    assert counts["read"] == 12 and counts["pieces"] == 8


class Killed(BaseException):
    pass


def test_killed_anywhere_it_goes_on(folder, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole", tmp_path / "out"
    prepare([source(folder)], whole, Letters(copies=1), PrepareConfig())
    plain = melodia.shards.temporary_beside
    for last in itertools.count():
        calls = itertools.count()

        def deadly(path, last=last, calls=calls):
            if next(calls) == last:
                raise Killed
            return plain(path)

        for module in ("melodia.shards", "melodia.corpus"):
            monkeypatch.setattr(f"{module}.temporary_beside", deadly)
        try:
            prepare([source(folder)], out, Letters(copies=1), PrepareConfig())
            break
        except Killed:
            with pytest.raises(CorpusError, match="failed or was stopped"):
                Corpus(out)
    assert last > 3
    monkeypatch.undo()
    assert files(out) == files(whole)


def test_an_earlier_corpus_stays_good_until_the_new_one_is_whole(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(), PrepareConfig())
    (folder / "part0" / "more.txt").write_text("a few words more")

    def deadly(*_):
        raise Killed

    monkeypatch.setattr("melodia.corpus.write_json", deadly)
    with pytest.raises(Killed):
        prepare([source(folder)], out, Letters(), PrepareConfig())
    assert {r.path for r in Corpus(out).records()} == {f"part{i % 3}/{i}.txt" for i in range(10)}
    assert sum(len(p) for p in Corpus(out).pieces("train")) > 0


def test_a_damaged_shard_is_noticed_and_mended(folder, tmp_path):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(), PrepareConfig())
    before = files(out)
    shard = next((out / "shards").glob("*.words.npy"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    with pytest.raises(CorpusError, match="this shard is damaged; run the same `melodia prepare` again"):
        corpus = Corpus(out)
        for split in ("train", "valid", "test"):
            list(corpus.pieces(split))
    assert prepare([source(folder)], out, Letters(), PrepareConfig())["read"] == 4
    assert files(out) == before


def pack(folder, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            for file in sorted(folder.rglob("*.*")):
                if file.is_file():
                    packed.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, "w:gz") as packed:
            packed.add(folder, arcname=".")
    return path


@pytest.mark.parametrize("name", ["texts.zip", "texts.tar.gz"])
def test_an_archive_is_read_like_its_folder(folder, tmp_path, name, monkeypatch):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    prepare([source(folder)], plain, Letters(), PrepareConfig())
    archive = pack(folder, tmp_path / name)
    prepare([parse_source(str(archive))], packed, Letters(), PrepareConfig())
    assert table(plain) == table(packed)
    assert not (packed / "unpacked").exists()
    monkeypatch.setattr("melodia.preparation.unpack_source", lambda *_: pytest.fail("it was unpacked again"))
    assert prepare([parse_source(str(archive))], packed, Letters(), PrepareConfig())["read"] == 0


def test_an_archive_that_has_been_replaced_is_unpacked_anew(folder, tmp_path):
    archive = pack(folder, tmp_path / "texts.zip")
    out = tmp_path / "out"

    class Cut(Letters):
        def derive(self, records):
            raise Killed

    with pytest.raises(Killed):
        prepare([parse_source(str(archive))], out, Cut(), PrepareConfig())
    assert list((out / "unpacked").iterdir())  # left behind
    for path in folder.rglob("*.txt"):
        path.write_text("quite another text of many words " + path.name)
    archive.unlink()
    pack(folder, archive)
    prepare([parse_source(str(archive))], out, Letters(), PrepareConfig())
    fresh = tmp_path / "fresh"
    prepare([parse_source(str(archive))], fresh, Letters(), PrepareConfig())
    assert table(out) == table(fresh)


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as packed:
        for info, data in members:
            packed.addfile(info, io.BytesIO(data))
    return path


def member(name, data=b"some words here", **settings):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in settings.items():
        setattr(info, key, value)
    return info, data


def test_names_in_an_archive_lead_nowhere_else(tmp_path):
    host = tmp_path / "host.txt"
    host.write_text("words of the host")
    archive = tar_of(tmp_path / "a.tar.gz", member(str(host)), member("twice.txt"), member("twice.txt", b"the second counts"))
    prepare([parse_source(str(archive))], tmp_path / "out", Letters(), PrepareConfig())
    records = {r.path: r.sha256 for r in Corpus(tmp_path / "out").records()}
    assert records == {
        str(host).lstrip("/"): hashlib.sha256(b"some words here").hexdigest(),
        "twice.txt": hashlib.sha256(b"the second counts").hexdigest(),
    }
    with pytest.raises(CorpusError, match=r"'\.\./x.txt' would be written outside its folder"):
        prepare([parse_source(str(tar_of(tmp_path / "b.tar.gz", member("../x.txt"))))], tmp_path / "o2", Letters(), PrepareConfig())
    with pytest.raises(CorpusError, match="without folders"):
        parse_source(f"../x={archive}")


def test_odd_dates_in_archives(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        info = zipfile.ZipInfo("a.txt")
        packed.writestr(info, "a few words")
    data = (tmp_path / "z.zip").read_bytes()
    (tmp_path / "z.zip").write_bytes(data.replace(b"\x21\x00", b"\x00\x00"))  # the 0th of the 0th month
    assert prepare([parse_source(str(tmp_path / "z.zip"))], tmp_path / "o1", Letters(), PrepareConfig())["pieces"] == 1
    with pytest.raises(CorpusError, match="this archive is damaged"):
        archive = tar_of(tmp_path / "b.tar.gz", member("a.txt", pax_headers={"mtime": "inf"}))
        prepare([parse_source(str(archive))], tmp_path / "o2", Letters(), PrepareConfig())


def test_what_cannot_be_opened_is_tried_again(folder, tmp_path):
    out = tmp_path / "out"
    (folder / "loop.txt").symlink_to("loop.txt")
    assert prepare([source(folder)], out, Letters(), PrepareConfig())["rejected"] == 3
    assert "loop.txt" in (out / "rejected.tsv").read_text()
    (folder / "loop.txt").unlink()
    (folder / "loop.txt").write_text("no loop any more, but a text")
    assert prepare([source(folder)], out, Letters(), PrepareConfig())["rejected"] == 2


def test_one_preparation_at_a_time_and_torn_leftovers_go(folder, tmp_path):
    out = tmp_path / "out"
    (out / ".manifest.json.abc123").mkdir(parents=True)
    (out / ".DS_Store").write_text("")
    with FileLock(out / ".lock"), pytest.raises(ConfigError, match="another melodia prepares"):
        prepare([source(folder)], out, Letters(), PrepareConfig())
    prepare([source(folder)], out, Letters(), PrepareConfig())
    assert sorted(p.name for p in out.iterdir()) == [".DS_Store", ".lock", "manifest.json", "rejected.tsv", "shards"]


def test_a_damaged_index_is_not_believed(folder, tmp_path):
    out = tmp_path / "out"
    prepare([source(folder)], out, Letters(), PrepareConfig())
    before = files(out)
    index = next((out / "shards").glob("*.json"))
    content = json.loads(index.read_text())
    next(row for row in content["rows"] if not row[7])[4][0] += 1
    index.write_text(json.dumps(content))
    assert prepare([source(folder)], out, Letters(), PrepareConfig())["read"] > 0
    assert files(out) == before


def test_a_list_of_files(folder, tmp_path):
    names = ["# my favourites", "", "texts/part0/0.txt", "texts/part1/1.txt", "texts/part1/1.txt", "texts/gone.txt"]
    (tmp_path / "list.lst").write_text("\ufeff" + "\n".join([*names, "x" * 5000 + ".txt", "nul\0.txt"]), "utf-8")
    counts = prepare([parse_source(str(tmp_path / "list.lst"))], tmp_path / "out", Letters(), PrepareConfig())
    assert (counts["pieces"], counts["rejected"]) == (2, 3)
    assert "gone.txt" in (tmp_path / "out" / "rejected.tsv").read_text()


def test_a_recipe_chooses_files_and_splits(folder, tmp_path):
    recipe = {"exclude": ("part2/*",), "splits": {"test": ("part1/*",)}}
    prepare([source(folder, **recipe)], tmp_path / "out", Letters(), PrepareConfig())
    records = list(Corpus(tmp_path / "out").records())
    assert not [r for r in records if r.path.startswith("part2")]
    assert {r.split for r in records if r.path.startswith("part1")} == {"test"}


def test_a_split_does_not_depend_on_which_folder_was_given(folder, tmp_path):
    names = [r.split for r in _prepared(folder / "part0", tmp_path / "a")]
    assert names == [r.split for r in _prepared(folder, tmp_path / "b") if r.path.startswith("part0/")]


def _prepared(folder, out):
    prepare([source(folder, root="part0", include=("*0.txt", "*3.txt", "*6.txt", "*9.txt"))], out, Letters(), PrepareConfig())
    return list(Corpus(out).records())


def test_refusals(folder, tmp_path):
    def refused(sources, error, match, out=tmp_path / "out"):
        with pytest.raises(error, match=match):
            prepare(sources, out, Letters(), PrepareConfig())

    refused([source(tmp_path / "gone")], CorpusError, "gone: no such folder or file")
    refused([source(folder / "picture.png")], CorpusError, "neither a folder, an archive")
    (tmp_path / "empty").mkdir()
    refused([source(tmp_path / "empty")], CorpusError, "no files of .txt in it, nor any others")
    shutil.copy(folder / "picture.png", tmp_path / "empty")
    refused([source(tmp_path / "empty")], CorpusError, r"but 1 others \(.png\)")
    shutil.copy(folder / "bad.txt", tmp_path / "empty")
    refused(
        [source(tmp_path / "empty")], CorpusError, "none of 1 files could be used; the first: texts/bad.txt: bad.txt: not a text"
    )
    with pytest.raises(CorpusError, match="failed or was stopped; run it again to go on, or to see why"):
        Corpus(tmp_path / "out")
    refused([source(folder), source(folder / "part0")], ConfigError, "two are called 'texts'")
    refused([source(folder)], ConfigError, "other files in it", folder)
    refused([source(folder)], ConfigError, "other files in it", tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 rubbish")
    refused([source(tmp_path / "broken.zip")], CorpusError, "this archive is damaged")
    (tmp_path / "broken.tar.gz").write_bytes(b"\x1f\x8b rubbish")
    refused([source(tmp_path / "broken.tar.gz")], CorpusError, "this archive is damaged")
    with pytest.raises(ConfigError, match="source: it is empty"):
        parse_source("")
    refused(
        [source(folder, domain=("recognition",))], ConfigError, "texts: a corpus for recognition; letters are made for spelling"
    )
    with pytest.raises(ConfigError, match="'=' is not NAME=PATH"):
        parse_source("=")
    with pytest.raises(ConfigError, match="held_out: 0.9"):
        PrepareConfig(held_out=0.9)
    with pytest.raises(ConfigError, match="engine: 'spark:x' is not known"):
        prepare([source(folder)], tmp_path / "out", Letters(), PrepareConfig(engine="spark:x"))
    assert read_index(Path(tmp_path / "none.json")) is None


def test_damaged_folders_are_told_from_others(folder, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(CorpusError, match="not a prepared corpus"):
        Corpus(tmp_path)
    prepare([source(folder)], out, Letters(), PrepareConfig())
    manifest = json.loads((out / "manifest.json").read_text())
    for text, match in (
        ("rubbish", "damaged"),
        (json.dumps(manifest | {"format": 1}), "of format 1, not 2; prepare it again"),
        (json.dumps({k: v for k, v in manifest.items() if k != "shards"}), "no shards"),
    ):
        (out / "manifest.json").write_text(text)
        with pytest.raises(CorpusError, match=match):
            Corpus(out)
    (out / "manifest.json").write_text(json.dumps(manifest))
    with next((out / "shards").glob("*.jsonl")).open("a") as lines:
        lines.write("[1, 2")
    with pytest.raises(CorpusError, match=r"pieces.jsonl: damaged; prepare it again"):
        Corpus(out)
