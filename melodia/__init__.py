"""melodia: music and speech with stacked LSTMs."""

__version__ = "0.1.0"
