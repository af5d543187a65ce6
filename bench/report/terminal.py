"""The result on the terminal: the tables that say the most, and the checks."""
import section as parts


def _table(table):
    rows = [[parts.cell_text(c) for c in row] for row in [table.header, *table.rows]]
    # Names stand left, numbers right; the first column always holds names.
    names = {i for i in range(len(table.header))
             if i == 0 or any(row[i][:1].isalpha() for row in rows[1:])}
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    lines = [f"  {table.caption}"]
    for number, row in enumerate(rows):
        cells = [cell.ljust(w) if i in names else cell.rjust(w)
                 for i, (cell, w) in enumerate(zip(row, widths))]
        lines.append("    " + "  ".join(cells).rstrip())
        if number == 0:
            lines.append("    " + "  ".join("─" * w for w in widths))
    return "\n".join(lines)


def _unfolded(blocks):
    for block in blocks:
        if isinstance(block, parts.Details):
            yield from _unfolded(block.blocks)
        else:
            yield block


def show(sections):
    for s in sections:
        print(f"\n{s.title}\n{'═' * len(s.title)}")
        for block in _unfolded(s.blocks):
            if getattr(block, "terminal", False):
                if isinstance(block, parts.Table):
                    print(_table(block) + "\n")
                else:
                    indented = block.text.replace("\n", "\n    ")
                    print(f"  {block.caption}\n    {indented}\n")
            elif isinstance(block, parts.Text) and "ot possible" in block.text:
                print(f"  {block.text}\n")
        for what, held, detail in s.checks:
            print(f"  {'ok    ' if held else 'FAILED'}  {what}")
            if detail and not held:
                print("          " + detail.strip().replace("\n", "\n          "))
