"""Collects figures, over repetitions, and tells them: a table on the terminal, JSON or Markdown to a
file."""

import json
import statistics

_UNITS = {"rate": ("/s", 0), "p50_ms": ("ms p50", 3), "p99_ms": ("ms p99", 3), "mean_ms": ("ms mean", 2),
          "mb": ("MB", 1), "bytes": ("bytes", 0), "seconds": ("s", 2)}


class Report:
    def __init__(self, machine, options):
        self.machine = machine
        self.options = options
        self.rows = {}
        self.bad = 0

    def add(self, name, figures, floor=None, note=""):
        """`figures`: by the words of _UNITS, and `bad`, the answers that were not good. `floor`:
        (what it is, which figure it is the floor of, its value)."""
        row = self.rows.setdefault(name, {"name": name, "figures": {}, "floor": None, "note": note})
        row["note"] = note
        self.bad += figures.get("bad", 0)
        for word, value in figures.items():
            row["figures"].setdefault(word, []).append(value)
        if floor:
            label, word, value = floor
            row["floor"] = row["floor"] or {"what": label, "figure": word, "values": [], "ratios": []}
            row["floor"]["values"].append(value)
            row["floor"]["ratios"].append(figures[word] / value if value else float("nan"))

    def show(self, names):
        for name in names:
            print(_line(self.rows[name]), flush=True)

    def write(self, path):
        rows = []
        for row in self.rows.values():
            told = {"name": row["name"], "figures": {w: _summary(v) for w, v in row["figures"].items()},
                    "note": row["note"]}
            if row["floor"]:
                floor = row["floor"]
                told["floor"] = {"what": floor["what"], "figure": floor["figure"],
                                 "value": _summary(floor["values"]), "ratio": _summary(floor["ratios"])}
            rows.append(told)
        with open(path, "w") as out:
            json.dump({"machine": self.machine, "options": self.options, "rows": rows}, out, indent=2)
            out.write("\n")

    def write_markdown(self, path, heading):
        """The table of docs/benchmarks.md."""
        lines = ["```", heading, "```", "", "| what | measured | floor | ratio |", "|---|---|---|---|"]
        for row in self.rows.values():
            measured = ", ".join(_told(row["figures"][word], *told).strip() for word, told in _UNITS.items()
                                 if word in row["figures"])
            floor = row["floor"]
            beside, ratio = "", ""
            if floor:
                beside = f"{_told(floor['values'], *_UNITS[floor['figure']]).strip()} ({floor['what']})"
                ratio = f"{statistics.median(floor['ratios']):.2f}"
            name = row["name"] + (f" ({row['note']})" if row["note"] else "")
            lines.append(f"| {name} | {measured} | {beside} | {ratio} |")
        with open(path, "w") as out:
            out.write("\n".join(lines) + "\n")


def _summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}


def _told(values, unit, digits):
    text = f"{statistics.median(values):>10,.{digits}f} {unit}"
    if len(values) > 1:
        text += f" [{min(values):,.{digits}f} .. {max(values):,.{digits}f}]"
    return text


def _line(row):
    cells = [f"{row['name']:34}"]
    for word, (unit, digits) in _UNITS.items():
        if word in row["figures"]:
            cells.append(_told(row["figures"][word], unit, digits))
    bad = sum(row["figures"].get("bad", [0]))
    if bad:
        cells.append(f"{bad} BAD ANSWERS")
    if row["floor"]:
        floor = row["floor"]
        unit, digits = _UNITS[floor["figure"]]
        cells.append(f"| floor {_told(floor['values'], unit, digits).strip()} ({floor['what']}), "
                     f"ratio {statistics.median(floor['ratios']):.2f}")
    if row["note"]:
        cells.append("| " + row["note"])
    return "  ".join(cells)
