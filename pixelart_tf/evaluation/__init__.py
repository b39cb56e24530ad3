"""Sets of pictures -> features -> scores, reports and tables."""
