"""Text: what letter comes next, by stacked LSTMs. It helps to hear speech."""
