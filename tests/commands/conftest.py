import pytest
from click.testing import CliRunner

from melodia.commands import main


def run(*arguments, code=0):
    outcome = CliRunner().invoke(main, [str(a) for a in arguments])
    assert outcome.exit_code == code, outcome.output + repr(outcome.exception)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), repr(outcome.exception)
    return outcome


@pytest.fixture
def corpus(tmp_path):
    """Twelve tunes, prepared; the music lies beside it."""
    from tests.composition.test_prepare import tune

    for i in range(12):
        tune(i).write(tmp_path / "music" / f"{i}.mid")
    (tmp_path / "music" / "bad.mid").write_bytes(b"no")
    outcome = run("prepare", tmp_path / "music", "-o", tmp_path / "prepared", "--held-out", 0.3)
    assert "1 files were left out" in outcome.stderr
    return tmp_path / "prepared"
