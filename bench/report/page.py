"""The report as one HTML page that needs nothing else: no network, no scripts, light and dark."""
import html
import pathlib

import section as parts

STYLE = (pathlib.Path(__file__).parent / "page.css").read_text()


def _escape(text):
    return html.escape(text, quote=False)


def _cell(cell, number, words):
    tag = "th" if number == 0 else "td"
    if isinstance(cell, tuple):
        text, weight = cell
        shade = f"background:rgba(40,130,200,{0.6 * weight:.3f})"
        return f'<{tag} style="{shade}">{_escape(text)}</{tag}>'
    if number in words:
        return f'<{tag} class="words">{_escape(cell)}</{tag}>'
    return f"<{tag}>{_escape(cell)}</{tag}>"


def _table(table):
    # Columns of words stand left, numbers right. The first column names the row.
    words = {
        i
        for row in table.rows
        for i, c in enumerate(row)
        if i > 0 and parts.cell_text(c)[:1].isalpha()
    }
    head = "".join(
        f"<th{' class=words' if i in words else ''}>{_escape(h)}</th>"
        for i, h in enumerate(table.header)
    )
    rows = "".join(
        f"<tr{'' if any(row[1:]) else ' class=group'}>"
        + "".join(_cell(c, i, words) for i, c in enumerate(row))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<figure class="wide"><table><caption>{_escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></figure>"
    )


def _block(block):
    if isinstance(block, parts.Table):
        return _table(block)
    if isinstance(block, parts.Chart):
        return (
            f'<figure class="wide"><figcaption><strong>{_escape(block.caption)}</strong> '
            f"{_escape(block.how_to_read)}</figcaption>{block.svg}</figure>"
        )
    if isinstance(block, parts.Output):
        return f"<h3>{_escape(block.caption)}</h3><pre>{_escape(block.text)}</pre>"
    if isinstance(block, parts.Details):
        inside = "".join(map(_block, block.blocks))
        return f"<details><summary>{_escape(block.summary)}</summary>{inside}</details>"
    return f"<p>{_escape(block.text)}</p>"


def _disturbance(section):
    found = section.disturbance
    if found is None:
        return ""
    others, stolen = (f"{100 * share:.0f}\u00a0%" for share in (found.others, found.stolen))
    text = (
        f"While this was measured, other programs took {others} of the CPUs' time "
        f"and the hypervisor {stolen}."
    )
    if found.others + found.stolen > 0.05:
        text += " That disturbs figures: look at the spread, and repeat on a quiet machine."
        return f'<p class="warning">{text}</p>'
    return f'<p class="quiet">{text}</p>'


def _checks(section):
    rows = "".join(
        f'<li class="{"held" if held else "broken"}"><b>{"held" if held else "FAILED"}</b> '
        f"{_escape(what)}{'<pre>' + _escape(detail) + '</pre>' if detail and not held else ''}</li>"
        for what, held, detail in section.checks
    )
    return f'<ul class="checks">{rows}</ul>' if rows else ""


def _section(number, section):
    return (
        f'<section id="part{number}"><h2>{_escape(section.title)}</h2>'
        f"<p>{_escape(section.intro)}</p>"
        + _checks(section)
        + "".join(map(_block, section.blocks))
        + _disturbance(section)
        + "</section>"
    )


def render(sections, machine, date):
    failed = [what for s in sections for what, held, _ in s.checks if not held]
    count = sum(len(s.checks) for s in sections)
    verdict = f'<p class="verdict held">All {count} checks held.</p>'
    if failed:
        which = _escape("; ".join(failed))
        verdict = f'<p class="verdict broken">{len(failed)} of {count} checks failed: {which}</p>'
    contents = "".join(
        f'<li><a href="#part{i}">{_escape(s.title)}</a></li>' for i, s in enumerate(sections)
    )
    headlines = parts.Table(
        "In short (medians)",
        ["what", "conc", "beside it (and how many times conc's)"],
        [list(h) for s in sections for h in s.headlines],
    )
    about = parts.Table("When this began", ["what", "value"], [list(row) for row in machine])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>conc on this machine</title><style>{STYLE}</style></head><body><main>"
        f"<h1>conc on this machine</h1><p>Measured {_escape(date)} by <code>make report</code>. "
        "Figures are medians of repeated measurements; in brackets the least and the greatest of "
        "them. What is compared was measured in the same run, taking turns.</p>"
        f"{verdict}{_table(headlines)}<nav><ul>{contents}</ul></nav>"
        + "".join(_section(i, s) for i, s in enumerate(sections))
        + f"<section><h2>The machine</h2>{_table(about)}</section></main></body></html>\n"
    )
