"""A Gantt chart as one HTML page that needs nothing else: no network, no library."""

import json
from importlib import resources

from genba.plan.report.gantt import COLORS, Gantt


def gantt_html(chart: Gantt) -> str:
    """Return the page; it draws itself, for light and dark screens."""
    data = {
        "title": chart.title,
        "facts": chart.facts,
        "rows": [
            {"id": row.id, "vehicle": row.is_vehicle, "closed": row.closed} for row in chart.rows
        ],
        "bars": [
            {
                "row": bar.row,
                "kind": bar.kind,
                "start": bar.start,
                "end": bar.end,
                "pieces": bar.pieces,
                "label": bar.label,
                "jobs": bar.jobs,
                "group": bar.group,
                "late": bar.late,
                "lines": bar.lines,
            }
            for bar in chart.bars
        ],
        "groups": chart.groups,
        "colors": COLORS,
        "end": chart.end,
        "zero_ms": chart.zero / 1000,
        "tick_s": chart.tick_s,
        "timezone": chart.timezone,
    }
    # Names are other people's: none of them may end the script that they stand in.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = resources.files("genba.plan.report").joinpath("gantt.html").read_text("utf-8")
    return page.replace("__DATA__", text)
