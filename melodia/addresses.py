"""Addresses of the web and of e-mail as they are read aloud: "example dot com slash a", "a at b dot org"."""

from __future__ import annotations

import re

SAID = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", ":": "colon", "?": "question mark", "=": "equals",
    "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde",
}  # fmt: skip
DOMAIN = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,12}"
NOT_WITHIN = r"(?<![A-Za-z0-9@._/-])"
ADDRESS = re.compile(
    rf"{NOT_WITHIN}(?:https?://|ftp://)(?P<web>[^\s<>\"'()]*[^\s<>\"'().,;:!?])"
    rf"|{NOT_WITHIN}(?P<mail>[A-Za-z0-9._%+-]{{1,64}}@{DOMAIN})"
    rf"|{NOT_WITHIN}(?P<bare>(?:www\.{DOMAIN}|{DOMAIN}(?=/[A-Za-z0-9~_-]))(?:/[^\s<>\"'()]*[^\s<>\"'().,;:!?])?)"
)


def expand_addresses(text: str) -> str:
    """Each address in words, without its `https://`."""
    return ADDRESS.sub(lambda match: _said(match["web"] or match["mail"] or match["bare"]), text)


def _said(address: str) -> str:
    text = re.sub("^www(?=[.])", "WWW", address.rstrip("/"))
    return "".join(f" {SAID[sign]} " if sign in SAID else sign for sign in text)
