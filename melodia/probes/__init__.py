"""How long a recurrent cell remembers: classic probes, and the gradients that explain the result.

The cells (`melodia.lstm.StackedLSTM` with LSTM, GRU or plain RNN) have the same number of parameters,
see the same batches, and are compared with the best that a network without a memory can do (`tasks`).

Published figures to hold the outcome against:

- adding: Hochreiter and Schmidhuber 1997 solve T = 100, 500 and 1,000 with LSTM, after 74,000, 209,000
  and 853,000 sequences (their table 7; their sum is scaled and their updates are of one sequence). In Le
  et al. 2015 plain tanh RNNs stay at 0.167 for T = 150 and more while LSTMs come down.
- copy: in Arjovsky et al. 2016 plain RNNs stay at 10 ln 8 / (T + 20), and LSTMs get a little below it at
  T = 100 only. Tallec and Ollivier 2018 get far below with biases of the kind that `network` draws.
- recall: Hochreiter and Schmidhuber 1997, experiment 2, lags to 1,000 with LSTM, none by plain RNNs.
- gradients: an untrained plain RNN keeps at most its spectral radius a frame, with torch's uniform
  weights about 1 / sqrt(3); an LSTM its forget gates, sigmoid(1) = 0.73 with a bias of 1.
"""
