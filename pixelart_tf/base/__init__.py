"""What every part may use: the command line, files, threads, progress bars. Knows no pictures."""
