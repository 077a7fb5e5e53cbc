"""Token statistics against loss, domain by domain: the stage."""

from __future__ import annotations

import pandas as pd

from proxylib.judging.criteria import LM_JUDGE
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.proxies_or_loss import errors, grid, search, strengths

WINNER = grid.NAMED_PROXIES[0]
#: row of `estimates` -> signal and statistic of `strengths`
CLAIMED = {
    "proxy-over-final-loss": (WINNER, "r minus final loss"),
    "proxy-over-held-out-loss": (WINNER, "r minus held-out loss"),
    "held-out-over-final-loss": (grid.HELD_OUT, "r minus final loss"),
}
BEST = "best-proxy-over-final-loss"


def build(step, workspace: Workspace) -> None:
    """All comparisons over every domain's grid.

    Parameters
    ----------
    step : a declared `proxies_or_loss` step; its parents are, under each domain's name, the fits of its grid and its cells
    workspace : receives the tables `strengths`, `errors`, `chosen`, `search`, `points` (each configuration's named signals and
        scores), all with the columns domain and schedule, and where the LM judge has judged `estimates`
    """
    bootstrap: Bootstrap = step.settings.bootstrap
    tables: dict[str, list[pd.DataFrame]] = {}
    estimates = []
    for domain in step.settings.domains:
        schedules = step.parent(f"{domain} loss_fits").table("cells")["schedule"].unique()
        for schedule in schedules:
            cells = grid.read(step, domain, schedule)
            frames = compared(cells, bootstrap)
            for name, frame in frames.items():
                tables.setdefault(name, []).append(frame.assign(domain=domain, schedule=schedule))
            if schedule == schedules[0] and LM_JUDGE in cells.scores:  # the post's schedule, and its kind of judge
                bases = cells.place["base"].nunique()
                estimates.append(claimed(frames).assign(level=bootstrap.level, n=bases, n_unit="bases", domain=domain))
    for name, parts in tables.items():
        workspace.write_table(name, pd.concat(parts, ignore_index=True))
    if estimates:
        workspace.write_table("estimates", pd.concat(estimates, ignore_index=True))
    workspace.note(domains=len(step.settings.domains), draws=bootstrap.draws, level=bootstrap.level)


def compared(cells: grid.Grid, bootstrap: Bootstrap) -> dict[str, pd.DataFrame]:
    """Every comparison over one grid, by the name of its table."""
    wrong, chosen = errors.errors(cells, bootstrap.level)
    points = pd.concat([cells.place, cells.signals[list(grid.NAMED)], cells.scores], axis=1)
    return {
        "strengths": strengths.strengths(cells, bootstrap),
        "errors": wrong,
        "chosen": chosen,
        "search": search.search(cells, bootstrap),
        "points": points,
    }


def claimed(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """claim, estimate, low, high: about the LM judge."""
    table, wrong = (frames[name][frames[name]["score"] == LM_JUDGE] for name in ("strengths", "errors"))
    parts = [
        table[(table["signal"] == signal) & (table["statistic"] == statistic)].assign(claim=claim)
        for claim, (signal, statistic) in CLAIMED.items()
    ]
    parts.append(wrong[(wrong["known"] == errors.BEST) & (wrong["statistic"] == "error minus final loss")].assign(claim=BEST))
    return pd.concat(parts, ignore_index=True)[["claim", "estimate", "low", "high"]]
