"""The charts, drawn as SVG that takes its colours from the page: light and dark both work."""
import html

import axes
import stats

WIDTH = 860
CHARACTER = 7.2  # generous width of a character at the charts' 13 px, to keep labels apart


def _text(x, y, text, kind="", anchor="start"):
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {where} class="{kind}">{html.escape(text)}</text>'


def _line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _picture(height, parts, label):
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{html.escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )


def _marker(x, y, series):
    """Each series has a shape of its own, so that colour is not needed to tell them apart."""
    kind = f"series s{series % 8}"
    shapes = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{kind}"/>',
        f'<rect x="{x - 3.7:.1f}" y="{y - 3.7:.1f}" width="7.4" height="7.4" class="{kind}"/>',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 8.6h-10z" class="{kind}"/>',
        f'<path d="M{x:.1f} {y - 5.4:.1f}l5.4 5.4l-5.4 5.4l-5.4 -5.4z" class="{kind}"/>',
        f'<path d="M{x:.1f} {y + 5:.1f}l5 -8.6h-10z" class="{kind}"/>',
    ]
    return shapes[series % len(shapes)]


def dot_plot(groups, unit, axis_title, label):
    """groups: (heading, [(name, samples, series)]). Median as a mark, least to greatest as a line;
    logarithmic. Names stand left, values right, each on a row of its own."""
    names = [name for _, rows in groups for name, _, _ in rows]
    left = 16 + CHARACTER * max(map(len, names))
    values = [s.written(unit) for _, rows in groups for _, s, _ in rows]
    right = WIDTH - 12 - CHARACTER * max(map(len, values))
    low = min(s.least for _, rows in groups for _, s, _ in rows)
    high = max(s.greatest for _, rows in groups for _, s, _ in rows)
    axis = axes.LogAxis(low, high, left + 8, right - 12)
    row, y, parts, marks = 23, 6.0, [], []
    for heading, rows in groups:
        y += 32
        marks.append(_text(0, y, heading, "heading"))
        y += 4
        for name, samples, series in rows:
            y += row
            marks.append(_text(12, y, name))
            marks.append(_line(left + 8, y - 4, right - 12, y - 4, "guide"))
            marks.append(_line(axis.at(samples.least), y - 4, axis.at(samples.greatest), y - 4,
                               f"range s{series % 8}"))
            marks.append(_marker(axis.at(samples.median), y - 4, series))
            marks.append(_text(right, y, samples.written(unit), "value"))
    bottom = y + 12
    for tick in axis.ticks:
        parts.append(_line(axis.at(tick), 10, axis.at(tick), bottom, "grid"))
        parts.append(_text(axis.at(tick), bottom + 17, stats.tick(unit)(tick), "tick", "middle"))
    parts.append(_text((left + right) / 2, bottom + 38, axis_title, "axis-title", "middle"))
    return _picture(bottom + 46, parts + marks, label)


def bars(groups, unit, axis_title, label):
    """groups as in dot_plot; bars from zero to the median, with the spread on top."""
    names = [name for _, rows in groups for name, _, _ in rows]
    left = 16 + CHARACTER * max(map(len, names))
    values = [s.written(unit) for _, rows in groups for _, s, _ in rows]
    right = WIDTH - 12 - CHARACTER * max(map(len, values))
    high = max(s.greatest for _, rows in groups for _, s, _ in rows)
    axis = axes.LinearAxis(high, left + 8, right - 30)
    y, parts, marks = 6.0, [], []
    for heading, rows in groups:
        y += 32
        marks.append(_text(0, y, heading, "heading"))
        for name, samples, series in rows:
            y += 28
            marks.append(_text(12, y, name))
            width = axis.at(samples.median) - axis.start
            marks.append(f'<rect x="{axis.start:.1f}" y="{y - 14:.1f}" width="{width:.1f}" '
                         f'height="18" class="bar s{series % 8}"/>')
            marks.append(_line(axis.at(samples.least), y - 5, axis.at(samples.greatest), y - 5,
                               "whisker"))
            marks.append(_text(right, y, samples.written(unit), "value"))
    bottom = y + 14
    for tick in axis.ticks:
        parts.append(_line(axis.at(tick), 10, axis.at(tick), bottom, "grid"))
        parts.append(_text(axis.at(tick), bottom + 17, stats.tick(unit)(tick), "tick", "middle"))
    middle = (axis.start + axis.end) / 2
    parts.append(_text(middle, bottom + 38, axis_title, "axis-title", "middle"))
    return _picture(bottom + 46, parts + marks, label)


def _legend(names, y):
    """Marks and names in as many lines as they need; returns the parts and the height."""
    x, parts = 8.0, []
    for series, name in enumerate(names):
        width = 30 + CHARACTER * len(name)
        if x + width > WIDTH:
            x, y = 8.0, y + 22
        parts += [_marker(x + 6, y - 4, series), _text(x + 18, y, name)]
        x += width
    return parts, y


def lines(steps, series, unit, axis_title, step_title, label, reference=None):
    """series: (name, [samples for each step]). Medians joined by lines, least to greatest as thin
    uprights; logarithmic. reference: (value, what it is) draws a dashed line."""
    parts, top = _legend([name for name, _ in series], 16)
    top += 48
    bottom, left = top + 290, 76
    known = [s for _, points in series for s in points if s is not None]
    reference_values = [reference[0]] if reference else []
    low = min([s.least for s in known] + reference_values)
    high = max([s.greatest for s in known] + reference_values)
    axis = axes.LogAxis(low, high, bottom, top, steps=(1, 2, 5))
    while len(axis.ticks) > 10:
        axis.ticks = axis.ticks[::3] if len(axis.ticks) > 20 else axis.ticks[::2]
    gap = (WIDTH - left - 20) / len(steps)
    for tick in axis.ticks:
        parts.append(_line(left, axis.at(tick), WIDTH - 10, axis.at(tick), "grid"))
        parts.append(_text(left - 8, axis.at(tick) + 4, stats.tick(unit)(tick), "tick", "end"))
    parts.append(_text(8, top - 18, axis_title, "axis-title"))
    if reference:
        value, meaning = reference
        parts.append(_line(left, axis.at(value), WIDTH - 10, axis.at(value), "reference"))
        parts.append(_text(WIDTH - 12, top - 18, f"dashed: {meaning}", "tick", "end"))
    for number, (_, points) in enumerate(series):
        shift = (number - (len(series) - 1) / 2) * 7
        spots = [(left + gap * (i + 0.5) + shift, s) for i, s in enumerate(points) if s is not None]
        path = " ".join(f"{x:.1f},{axis.at(s.median):.1f}" for x, s in spots)
        parts.append(f'<polyline points="{path}" class="curve s{number % 8}"/>')
        for x, s in spots:
            parts.append(_line(x, axis.at(s.least), x, axis.at(s.greatest), f"thin s{number % 8}"))
            parts.append(_marker(x, axis.at(s.median), number))
    for i, step in enumerate(steps):
        parts.append(_text(left + gap * (i + 0.5), bottom + 20, step, "tick", "middle"))
    parts.append(_text((left + WIDTH) / 2, bottom + 42, step_title, "axis-title", "middle"))
    return _picture(bottom + 52, parts, label)
