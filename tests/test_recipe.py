import subprocess
import sys

import pytest

from melodia.errors import CorpusError
from melodia.recipe import DOMAINS, Archive, Recipe, find_recipe, load_recipe, read_recipe, recipe_names

NAMES = [
    "chorales",
    "commonvoice",
    "english",
    "folk",
    "fsdd",
    "groove",
    "jsb",
    "kinds",
    "lakh",
    "librispeech",
    "ljspeech",
    "maestro",
    "maps",
    "music21",
    "nottingham",
    "openscore",
    "piano",
    "polyphonic",
    "pop909",
    "speaker",
    "spellings",
    "voices",
]


def written(tmp_path, text, name="corpus.toml"):
    path = tmp_path / "mine" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_names_of_those_that_ship():
    assert recipe_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_that_ships_says_what_people_need(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.title and recipe.licence and recipe.size and recipe.how_to_get
    assert recipe.url.startswith(("https://", "http://"))
    assert recipe.domain and set(recipe.domain) <= set(DOMAINS)
    assert recipe.suffixes and all(s.startswith(".") and s == s.lower() for s in recipe.suffixes)
    for archive in recipe.archives:
        assert archive.filename and archive.part and archive.is_packed
        if archive.url:  # without https a checksum is what makes it safe
            assert archive.url.startswith("https://") or archive.sha256
    if ("recognition" in recipe.domain or "synthesis" in recipe.domain) and recipe.archives:  # else texts stand beside
        assert recipe.transcripts is not None


def test_only_what_no_machine_can_fetch_has_nothing_to_fetch():
    by_hand = [name for name in NAMES if not any(a.url for a in load_recipe(name).archives)]
    assert by_hand == [
        "chorales",
        "commonvoice",
        "english",
        "folk",
        "kinds",
        "music21",
        "piano",
        "polyphonic",
        "speaker",
        "spellings",
        "voices",
    ]


@pytest.mark.parametrize(
    ("name", "path", "split"),
    [
        ("jsb", "JSB Chorales/JSB Chorales/valid/3.mid", "valid"),
        ("jsb", "train/3.mid", "train"),
        ("jsb", "training/3.mid", None),
        ("chorales", "valid/0003.npy", "valid"),
        ("polyphonic", "train/0003.npy", "train"),
        ("polyphonic", "test/0003.npy", "test"),
        ("librispeech", "train-clean-100/LibriSpeech/train-clean-100/19/198/19-198-0000.flac", "train"),
        ("librispeech", "LibriSpeech/dev-other/116/1/116-1-0000.flac", "valid"),
        ("librispeech", "test-clean/LibriSpeech/test-clean/61/70968/61-70968-0000.flac", "test"),
        ("fsdd", "recordings/7_theo_14.wav", "test"),
        ("fsdd", "recordings/7_jackson_14.wav", None),
        ("maestro", "2004/a.midi", None),
    ],
)
def test_splits_by_pattern(name, path, split):
    assert load_recipe(name).split_of(path) == split


def test_which_files_are_chosen():
    recipe = load_recipe("pop909")
    assert recipe.chooses("POP909/001/001.mid") and recipe.chooses("POP909/001/001.MID")
    assert not recipe.chooses("POP909/001/versions/001-v1.mid") and not recipe.chooses("POP909/001/key_audio.txt")
    maps = load_recipe("maps")
    assert maps.chooses("ENSTDkCl/ENSTDkCl/MUS/a.wav") and not maps.chooses("ENSTDkCl/ENSTDkCl/ISOL/NO/a.wav")


def test_a_recipe_of_ones_own_by_path(tmp_path):
    path = written(tmp_path, 'title = "Mine"\ndomain = "composition"\n[[archive]]\nurl = "https://x.org/a%20b.tar.gz?raw=1"\n')
    for given in (path, path.parent):
        recipe = find_recipe(str(given))
        assert recipe == Recipe(
            name="mine",
            title="Mine",
            domain=("composition",),
            archives=(Archive(url="https://x.org/a%20b.tar.gz?raw=1", filename="a b.tar.gz", part="a b"),),
        )
    assert read_recipe(written(tmp_path, "", "songs.toml")).name == "songs"
    assert read_recipe(written(tmp_path, 'name = "other"')).name == "other"


def test_an_unknown_name():
    assert load_recipe("nothing") == Recipe(name="nothing")
    with pytest.raises(CorpusError, match="nothing: no such recipe; there are chorales, commonvoice, english, folk, fsdd"):
        find_recipe("nothing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = 1", r"corpus\.toml: title: 1 must be a text in quotes"),
        ("align = 1", "align: 1 must be true or false"),
        ("ppq = true", "ppq: True must be a whole number"),
        ("ppq = -1", "ppq: -1 must be a whole number"),
        ("colour = 1", "unknown key 'colour'; known are align, archive, "),
        ("title = 'a'\ntitle\n", "is no TOML: .*line 2"),
        ('suffixes = ".mid"', "suffixes: '.mid' must be a list of texts"),
        ("suffixes = [1]", "suffixes: .1. must be a list of texts"),
        ('domain = "cooking"', "domain: 'cooking' must be one of composition"),
        ("domain = 3", "domain: 3 must be a list of texts"),
        ("splits = 3", "splits: 3 must be a table"),
        ('[splits]\ndev = ["*"]', "splits: 'dev' must be one of train, valid, test"),
        ('[splits]\ntest = "*"', "splits.test: '\\*' must be a list of texts"),
        ('split_table = "a.csv"', "split_table: needs path_column"),
        ("archive = 3", "archives: 3 must be a list of tables"),
        ("archive = [3]", r"archive\[0\]: 3 must be a table"),
        ("[[archive]]\nurls = 3", r"archive\[0\]: unknown key 'urls'"),
        ("[[archive]]\nbytes = 3", r"archive\[0\]: filename: '' must be a plain name"),
        ('[[archive]]\nurl = "https://x.org/a.zip"\nfilename = "../a.zip"', "filename: '../a.zip' must be a plain name"),
        ('[[archive]]\nurl = "https://x.org/a.zip"\npart = ".."', "part: '..' must be a plain name"),
        ('[[archive]]\nfilename = "*.zip"', r"part: '\*' must be a plain name"),
        ('[[archive]]\nurl = "file:///etc/passwd"', "url: 'file:///etc/passwd' must begin with https://"),
        ('[[archive]]\nurl = "https://x.org/a.zip"\nsha256 = "12"', r"archive\[0\]: sha256: '12' must be 64 hexadecimal"),
        ('[[archive]]\nurl = "https://x.org/a.zip"\nmd5 = "12"', "md5: '12' must be 32 hexadecimal"),
        ('[[archive]]\nurl = "https://x.org/a.zip"\n[[archive]]\nurl = "https://y.org/a.tar"', "two have the part 'a'"),
        ('name = "../../x"', "name: '../../x' must be a plain name"),
        ("transcripts = 3", "transcripts: 3 must be a table"),
        ('[transcripts]\nname_pattern = "a"', r"name_pattern: needs a group \(\?P<text>"),
        ('[transcripts]\nname_pattern = "("', "name_pattern: is no regular expression"),
    ],
)
def test_a_damaged_recipe_is_refused_with_file_and_key(tmp_path, text, message):
    with pytest.raises(CorpusError, match=message):
        read_recipe(written(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path):
    path = written(tmp_path, "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_recipe(path)


def test_import_is_light():
    code = (
        "import sys, melodia.recipe, melodia.fetch; "
        "assert not {'torch', 'pooch', 'requests', 'numpy', 'click', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
