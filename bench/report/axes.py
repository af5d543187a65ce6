"""Scales and ticks for the charts: where a value lies, which values get a line and a label."""
import math


class LogAxis:
    """Logarithmic from `low` to `high` values onto `start` to `end` pixels."""

    def __init__(self, low, high, start, end, steps=(1,)):
        self.start, self.end = start, end
        self.low = self._outward(low, steps, math.floor)
        self.high = max(self._outward(high, steps, math.ceil), self.low * 10**0.3)
        self.ticks = [
            step * 10.0**power
            for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
            for step in steps
            if self.low * 0.999 <= step * 10.0**power <= self.high * 1.001
        ]

    @staticmethod
    def _outward(value, steps, rounded):
        """The nearest step times a power of ten that lies outside of the value."""
        power = math.floor(math.log10(value))
        marks = [s * 10.0**p for p in (power - 1, power, power + 1, power + 2) for s in steps]
        if rounded is math.floor:
            return max(m for m in marks if m <= value * 1.0001)
        return min(m for m in marks if m >= value * 0.9999)

    def at(self, value):
        where = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * min(where, 1.0)


class LinearAxis:
    """From zero to at least `high`, with about five round ticks."""

    def __init__(self, high, start, end):
        self.start, self.end = start, end
        high = high or 1
        power = 10.0 ** math.floor(math.log10(high / 4))
        step = next(s * power for s in (1, 2, 2.5, 5, 10) if high / (s * power) <= 5)
        self.high = step * math.ceil(high / step - 1e-9)
        self.ticks = [i * step for i in range(round(self.high / step) + 1)]

    def at(self, value):
        return self.start + (self.end - self.start) * value / self.high
