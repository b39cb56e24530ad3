"""Rules that numbers among a function's arguments must keep."""


def check_counts(*, at_most=None, **counts):
    """Raises ValueError where one of the named `counts` is not a whole number of at least 1, or is above `at_most`."""
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"`{name}` must be a whole number of at least 1. Received: {told(count)}")
        if at_most is not None:
            check_at_most(at_most, **{name: count})


def check_at_least(least, **numbers):
    """Raises ValueError where one of the named `numbers` is below `least`."""
    for name, number in numbers.items():
        if number < least:
            raise ValueError(f"`{name}` must be at least {least}. Received: {told(number)}")


def check_at_most(most, **counts):
    """Raises ValueError where one of the named `counts` is above `most`, which no machine bears."""
    for name, count in counts.items():
        if count > most:
            raise ValueError(f"`{name}` must be at most {most:,}. Received: {told(count)}")


def told(value):
    """What was received, for a message: the value itself, but thousands are parted and endless digits left out."""
    if not isinstance(value, int) or isinstance(value, bool):
        return repr(value)
    return f"{value:,}" if abs(value) < 10**30 else "a number of over 30 digits"


def check_rates(**rates):
    """Raises ValueError where one of the named `rates` is not in [0, 1)."""
    for name, rate in rates.items():
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate < 1:
            raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {rate!r}")


def check_positive(**numbers):
    """Raises ValueError where one of the named `numbers` is not above 0."""
    for name, number in numbers.items():
        if not isinstance(number, int | float) or isinstance(number, bool) or not number > 0:
            raise ValueError(f"`{name}` must be above 0. Received: {number!r}")
