"""Samples and how they are written: medians, spreads, numbers with their units."""
import re
import statistics


class Samples:
    """Repeated measurements of one thing."""

    def __init__(self, values):
        self.values = sorted(values)

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def least(self):
        return self.values[0]

    @property
    def greatest(self):
        return self.values[-1]

    def __len__(self):
        return len(self.values)

    def written(self, unit):
        """Median and spread, as in '12.1 ns (11.9–14.0)'."""
        low, high = unit(self.least), unit(self.greatest)
        if low == high:
            return unit(self.median)
        return f"{unit(self.median)} ({low} – {high})"


def _digits(value):
    """Three significant digits, never an exponent."""
    if value == 0:
        return "0"
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _scaled(value, steps):
    """steps: (least value, divisor, unit), greatest first."""
    for least, divisor, unit in steps:
        if value >= least:
            return f"{_digits(value / divisor)} {unit}".rstrip()
    _, divisor, unit = steps[-1]
    return f"{_digits(value / divisor)} {unit}".rstrip()


def time(nanoseconds):
    steps = [(999.5e6, 1e9, "s"), (999.5e3, 1e6, "ms"), (999.5, 1e3, "µs"), (0, 1, "ns")]
    return _scaled(nanoseconds, steps)


def tick(unit):
    """A unit for axis labels: '10 ns', not '10.0 ns'."""
    return lambda value: re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", unit(value)).replace(". ", " ") \
        .replace(".×", "×")


def rate(per_second):
    steps = [(999.5e3, 1e6, "M/s"), (999.5, 1e3, "k/s"), (0, 1, "/s")]
    return _scaled(per_second, steps)


def factor(value):
    return f"{_digits(value)}×"


def share(value):
    return f"{100 * value:.0f} %"


def index(value):
    return f"{value:.2f}"
