"""Numbers in aligned columns, and the bars that they are held against."""
import statistics


def summary(samples):
    """Best and median wall time, least processor time, of {"wall": [..], "cpu": [..]}; None without samples."""
    if not samples or not samples["wall"]:
        return None
    return {"best": min(samples["wall"]), "median": statistics.median(samples["wall"]), "cpu": min(samples["cpu"]), "runs": len(samples["wall"])}


def join(into, samples):
    into["wall"] += samples["wall"]
    into["cpu"] += samples["cpu"]


def ratio(a, b, key):
    return a[key] / b[key] if a and b and b[key] > 0 else None


def number(x):
    if x is None:
        return "-"
    return f"{x:.0f}" if x >= 1000 else f"{x:.1f}" if x >= 100 else f"{x:.2f}"


def times(s):
    """Milliseconds, best (median)."""
    return f"{number(s['best'] * 1e3)} ({number(s['median'] * 1e3)})" if s else "-"


def rates(s, images):
    """Images a second, best (median)."""
    return f"{number(images / s['best'])} ({number(images / s['median'])})" if s else "-"


def print_table(head, rows):
    """First two columns to the left, the rest to the right; a row that is a string stands alone."""
    cells = [r for r in [head] + rows if not isinstance(r, str)]
    width = [max(len(r[i]) for r in cells) for i in range(len(head))]
    for row in [head, None] + rows:
        if row is None:
            print("  ".join("-" * w for w in width))
        elif isinstance(row, str):
            print(row)
        else:
            print("  ".join(c.ljust(w) if i < 2 or i == len(head) - 1 else c.rjust(w) for i, (c, w) in enumerate(zip(row, width))).rstrip())


def bar_text(value, bar, higher):
    """"<= 0.80 met"."""
    if value is None:
        return f"{'>=' if higher else '<='} {bar:.2f}"
    met = value >= bar if higher else value <= bar
    return f"{'>=' if higher else '<='} {bar:.2f} {'met' if met else 'missed'}"
