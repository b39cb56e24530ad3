"""A local leaderboard: who takes part (entries), what it shows (table), and the command (__main__)."""
