"""`melodia evaluate` of a recogniser, on a folder of recordings with their texts or on a prepared corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melodia.commands.console import progress_bar
from melodia.commands.transcribe import speech

if TYPE_CHECKING:
    from melodia.corpus import Corpus


def measure(folder: Path, prepared: Corpus | None, quiet: bool, options: dict[str, Any]) -> dict[str, Any]:
    """Errors of words and letters."""
    from melodia.device import resolve_device
    from melodia.language.checkpoint import load_language
    from melodia.recognition.checkpoint import load_recognizer
    from melodia.recognition.evaluate import evaluate, items_of_corpus, items_of_folder
    from melodia.recognition.recognize import Reader, RecognizeConfig, text_in

    given, split = speech.settings_of({**options, "start": 0.0, "end": None}), options["split"] or "valid"
    name, lm = given["model"], given["lm"]
    words = speech.words(given["words"], given["only_words"])
    model = load_recognizer(name).to(resolve_device(options["device"]))
    read = Reader(model, RecognizeConfig(width=options["beam"]), load_language(lm) if lm else None, words)
    features = model.config.features
    items = items_of_corpus(prepared, split, features) if prepared else items_of_folder(folder, features)
    with progress_bar(quiet, "recordings") as bar:
        line = bar.add_task("listening", total=len(items), note="")
        report = evaluate(
            lambda item: text_in(model, item.spectrogram(), read), items, lambda done: bar.update(line, completed=done)
        )
    return {"model": str(name), "lm": lm or "none", **({"split": split} if prepared else {}), **report}


def table(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"{report['recordings']} recordings, {report['seconds']:.0f} s, with {report['model']}, language model {report['lm']}",
        "",
    ]
    lines.append(f"words wrong{report['wer']:10.1%}   letters wrong{report['cer']:10.1%}   texts right{report['right']:10.1%}")
    lines.append(f"{report['compute']:.3f} seconds of compute a second of audio")
    if report["worst"]:
        lines += ["", "the worst, what is said above what was heard:"]
    for row in report["worst"]:
        lines += ["", f"{row['recording']}, {row['wer']:.0%} of words wrong", *(f"  {line}".rstrip() for line in row["alignment"])]
    return "\n".join(lines)
