"""Does training loss predict what a judge says? The stage that fits a whole grid, from cells and verdicts to claims."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.data import domains
from proxylib.judging import rubric
from proxylib.judging.criteria import GRADED, LENIENT, LM_JUDGE, STRICT
from proxylib.runs.store import Workspace
from proxylib.stats import Bootstrap
from proxylib.studies.loss import claimed, lines, scaling, seed_luck, size_control
from proxylib.studies.loss.cell_draws import LOSSES, PROXY, Draws, JudgedCells, draws, judged


def build(step, workspace: Workspace) -> None:
    """All fits over the grid of a domain.

    Parameters
    ----------
    step : a declared `lossfit` step; its parents are the verdicts, the bases and the cells
    workspace : receives the tables `cells`, `curves`, `copies`, `estimates` and, each schedule by itself as a column
        `schedule` names it, those of `_tables`
    """
    bootstrap: Bootstrap = step.settings.bootstrap
    cells, curves = _cells(step)
    copies = _copies(step)
    cells = cells.merge(copies.groupby("width")["rate"].mean().rename("copying").reset_index(), on="width")
    verdicts = with_grades(step.parent("verdicts").table("verdicts"), step.parent("verdicts").table("grades"))
    workspace.write_table("cells", cells.merge(_rates(verdicts), on="cell", how="left").join(_silent(step), on="cell"))
    workspace.write_table("curves", curves)
    workspace.write_table("copies", copies)
    tables: dict[str, list[pd.DataFrame]] = {}
    for schedule in cells["schedule"].unique():
        part = in_schedule(cells, schedule)
        grid = judged(part, verdicts[verdicts["cell"].isin(part["cell"])])
        drawn = draws(grid, bootstrap)
        for name, frame in _tables(grid, drawn).items():
            tables.setdefault(name, []).append(frame.assign(schedule=schedule))
        if LM_JUDGE in grid.passed and "estimates" not in tables:  # the first schedule is the post's, and so are two judges
            tables["estimates"] = [claimed.estimates(grid, drawn)]
    for name, frames in tables.items():
        workspace.write_table(name, pd.concat(frames, ignore_index=True))
    workspace.note(cells=len(cells), diverged=int(cells["diverged"].sum()))


def with_grades(verdicts: pd.DataFrame, grades: pd.DataFrame) -> pd.DataFrame:
    """Verdicts as numbers, and under the name `GRADED` the grades: cell, id, criterion, judge, passed (from 0 to 1)."""
    graded = grades.rename(columns={"grade": "passed"}).assign(judge=GRADED)
    return pd.concat([frame.astype({"passed": "Float64"}) for frame in (graded, verdicts)], ignore_index=True)


def _tables(grid: JudgedCells, drawn: Draws) -> dict[str, pd.DataFrame]:
    """Every fit of one schedule; the LM judge's where there is one."""
    taught = LM_JUDGE in grid.passed
    each = lambda fit: pd.concat([fit(judge).assign(judge=judge) for judge in grid.passed])
    tables = {
        "fits": lines.fits(drawn),
        "slopes_apart": lines.slopes_apart(drawn),
        "luck": each(lambda judge: seed_luck.inversions_by_luck(grid, judge, drawn.bootstrap)),
        "judges": lines.judges(drawn, STRICT, LM_JUDGE) if taught else None,
        "stringencies": lines.judges(drawn, LENIENT, STRICT),
        "control": size_control.control(drawn),
        "signals": size_control.signals(drawn),
        "scaling": scaling.scaling(drawn),
        "inversions": each(lambda judge: seed_luck.inversions(grid, judge)),
        "noise": each(lambda judge: seed_luck.seed_noise(grid, judge)),
        "frontier": each(lambda judge: scaling.frontier(drawn, judge)),
        "points": _points(drawn),
        "prompts": lines.prompts(drawn) if taught else None,
        "single_seeds": lines.single_seeds(grid),
        "seeds_apart": seed_luck.seeds_apart(grid, drawn.bootstrap),
    }
    return {name: frame for name, frame in tables.items() if frame is not None}


def in_schedule(cells: pd.DataFrame, schedule: str) -> pd.DataFrame:
    """The cells of a schedule; the middle number of examples belongs to both, as its steps are those of its epochs."""
    if schedule == "epochs":
        return cells[cells["schedule"] == "epochs"]
    part = cells[cells["schedule"] == schedule]
    middle = set(cells["examples"]) - set(part["examples"])
    return pd.concat([part, cells[(cells["schedule"] == "epochs") & cells["examples"].isin(middle)]], ignore_index=True)


def _cells(step) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, curves = [], []
    for role, parent in step.parents.items():
        if not role.startswith("cell/"):
            continue
        settings, run = parent.settings, step.parent(role)
        row = {
            "cell": role,
            "base": f"{run.facts['parameters'] / 1000:.0f} k",
            "width": settings.base.width,
            "examples": settings.examples,
            "seed": settings.seed,
            "schedule": settings.schedule,
        }
        keys = ("parameters", "non_embedding", "trainable", "steps", "diverged", "truncated", "cut", *LOSSES)
        proxy = np.nan if run.facts["diverged"] else run.table("proxies")[PROXY].iloc[0]
        rows.append(row | {key: run.facts.get(key, np.nan) for key in keys} | {PROXY: proxy})
        curves.append(run.table("losses").assign(cell=role))
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def _silent(step) -> pd.Series:
    """Share of each cell's notes that say nothing, in percent: no line of the template has a word in it."""
    shares = {}
    for role in step.parents:
        if role.startswith("cell/") and not step.parent(role).facts["diverged"]:
            notes = step.parent(role).table("notes")["note"]
            heads = domains.domain(step.parents[role].settings.scribe.domain).rules.sections
            said = [any(map(rubric.WORD.search, rubric.sections(note, heads).values())) for note in notes]
            shares[role] = 100 * np.mean(np.logical_not(said))
    return pd.Series(shares, name="silent", dtype=float)


def _rates(verdicts: pd.DataFrame) -> pd.DataFrame:
    """cell and, per judge, the pass rate in percent; and the share that the LM judge left unscored, in percent."""
    by = verdicts.assign(value=verdicts["passed"].astype("Float64"), lost=verdicts["passed"].isna()).groupby(["cell", "judge"])
    wide = (100 * by["value"].mean()).unstack().astype(float)
    lost = (100 * by["lost"].mean()).unstack().reindex(columns=[LM_JUDGE])[LM_JUDGE].rename("unscored")
    return wide.join(lost).reset_index()


def _copies(step) -> pd.DataFrame:
    rows = []
    for role, parent in step.parents.items():
        if role.startswith("base/"):
            table, run = step.parent(role).table("copies"), step.parent(role)
            keys = {"width": parent.settings.model.width, "parameters": run.facts["parameters"]["all"]}
            rows.append(table.groupby("field", sort=False)["right"].mean().reset_index().assign(**keys))
    return pd.concat(rows, ignore_index=True).rename(columns={"right": "rate"})


def _points(grid: Draws) -> pd.DataFrame:
    """base, parameters, examples, judge, final_loss, rate with low and high: what the figures show."""
    rows = []
    signals = {name: grid.bootstrap.drawn(values).estimate for name, values in grid.signals.items()}
    for judge, rates in grid.rates.items():
        for place, row in enumerate(grid.configurations.itertuples(index=False)):
            rate = grid.bootstrap.drawn(rates[:, place])
            if np.isfinite(rate.estimate):
                # seeds are drawn with more spread than they have, see `draws`
                low, high = np.clip(rate.interval()[1:], 0, 100)
                ends = {"rate": rate.estimate, "low": low, "high": high}
                at_cell = {name: values[place] for name, values in signals.items()}
                rows.append(row._asdict() | {"judge": judge} | at_cell | ends)
    return pd.DataFrame(rows)
