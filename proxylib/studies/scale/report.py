"""Frames for the page on production scale."""

from __future__ import annotations

import pandas as pd

from proxylib.report import words
from proxylib.report.tables import ENDS, labelled, rows, wide
from proxylib.stats import Interval, mean_interval
from proxylib.studies.scale.published import FORMS, TIMES

TINY = 0.001  # nats or points, below which nobody looks for digits
PRICED = "dollars, from the cheapest to the dearest corner"


def by_study(errors: pd.DataFrame) -> pd.DataFrame:
    """Errors with corpora of one study averaged: they share its models' sizes and makers, and are one draw."""
    study = errors["set"].str.split(",").str[0]
    values = errors.groupby([study, "form", "times"], sort=False)[["beyond", "within", "nothing"]].mean()
    return values.reset_index().rename(columns={"set": "study"})


def gaps(errors: pd.DataFrame, level: float) -> pd.DataFrame:
    """times, form, and by how much a curve errs more beyond its range than within, for a figure: Student's t over studies."""
    studies = by_study(errors)
    known = [(form, times) for times in TIMES for form in FORMS if len(rows(studies, form=form, times=times))]
    named = ({"times": f"{times} times as large", "form": form} for form, times in known)
    ends = (more(studies, form, times, level)._asdict() for form, times in known)
    return pd.DataFrame([{**name, **values} for name, values in zip(named, ends, strict=True)])


def more(studies: pd.DataFrame, form: str, times: int, level: float) -> Interval:
    """Error beyond the range minus error within it, mean over studies."""
    part = rows(studies, form=form, times=times)
    return mean_interval(part["beyond"] - part["within"], level)


def errors_table(errors: pd.DataFrame) -> pd.DataFrame:
    """A row per set and distance: errors of both curves beyond and within what they were fitted to, and of a mean, points."""
    keys = ["set", "times", "models", "targets", "nothing"]
    table = errors.pivot(index=keys, columns="form", values=["beyond", "within"]).reset_index()
    number = "{:.1f}".format
    shown = pd.DataFrame({name: table[name] for name in ("set", "times", "models", "targets")})
    for where in ("beyond", "within"):
        for form in FORMS:
            shown[f"{form}, {where}"] = table[where, form].map(number)
    return shown.assign(**{"nothing: mean of the smaller": table["nothing"].map(number)})


def beyond(errors: pd.DataFrame, form: str, times: int) -> tuple[float, float]:
    """Mean over sets, or over studies, of a curve's error beyond its range, and within it."""
    part = rows(errors, form=form, times=times)
    return float(part["beyond"].mean()), float(part["within"].mean())


def priced(cells: pd.DataFrame) -> pd.DataFrame:
    """cell, estimate, low, high: dollars at the central and at both other corners, for a figure; kind is one for all."""
    wide_table = cells.pivot(index="cell", columns="corner", values="dollars").loc[cells["cell"].unique()].reset_index()
    columns = {"central": "estimate", "cheapest": "low", "dearest": "high"}
    return wide_table.rename(columns=columns).assign(kind=PRICED)


def prices_table(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per cell: tokens, operations, hours, dollars, memory, at the central corner with the other two behind it."""
    corner = {name: rows(cells, corner=name).set_index("cell") for name in ("cheapest", "central", "dearest")}
    three = lambda column, scale, digits: [
        f"{scale * middle:,.{digits}f} ({scale * low:,.{digits}f} to {scale * high:,.{digits}f})"
        for low, middle, high in zip(*(corner[name][column] for name in corner), strict=True)
    ]
    fits = [
        "yes" if all(part) else "no" if not any(part) else "short texts"
        for part in zip(*(corner[name]["fits"] for name in corner), strict=True)
    ]
    return pd.DataFrame(
        {
            "cell": corner["central"].index,
            "operations": corner["central"]["operations"].map(words.significant).to_numpy(),
            "GPU hours": three("hours", 1, 1),
            "dollars": three("dollars", 1, 0),
            "GB on a GPU": three("bytes", 1e-9, 0),
            "fits one H100": fits,
        }
    )


def total(totals: pd.DataFrame, column: str, digits: int = 0) -> str:
    """Of the whole grid, `52 (17 to 246)`."""
    values = totals.set_index("corner")[column]
    return f"{values['central']:,.{digits}f} ({values['cheapest']:,.{digits}f} to {values['dearest']:,.{digits}f})"


def checks_table(checks: pd.DataFrame) -> pd.DataFrame:
    """Published runs beside the arithmetic."""
    giga = lambda values: [words.MISSING if pd.isna(value) else f"{value / 1e9:.1f}" for value in values]
    return pd.DataFrame(
        {
            "model": checks["model"],
            "GPU": checks["gpu"],
            "tokens of a text": checks["length"],
            "10¹² operations a second": (checks["reached"] / 1e12).map("{:.0f}".format),
            "share of the peak": checks["utilisation"].map("{:.2f}".format),
            "GB, ours": giga(checks["bytes"].where(checks["reported"].notna())),
            "GB, reported": giga(checks["reported"]),
            "source": checks["source"],
        }
    )


def extended_table(extended: pd.DataFrame) -> pd.DataFrame:
    """Our lines, carried on."""
    units = {"loss": "loss, nats per token", "score": "LM judge, %"}
    part = labelled(extended, "quantity", units)
    table = wide(part, ["form", "at"], {"quantity": {unit: unit for unit in units.values()}})
    for tiny in part[(part[ENDS].abs() < TINY).all(axis=1)].itertuples():
        table.loc[(table["form"] == tiny.form) & (table["at"] == tiny.at), tiny.quantity] = f"below {TINY}"
    return table


def needed_table(needed: pd.DataFrame) -> pd.DataFrame:
    """Configurations by the share of the post's range of losses."""
    return pd.DataFrame(
        {
            "share of the range, %": needed["share"].map(words.percent),
            "r would be": needed["r"].map("{:.2f}".format),
            "to tell it from none": needed["configurations"],
            "from a slope half as steep": needed["half"],
        }
    )


def left_table(left: pd.DataFrame) -> pd.DataFrame:
    """What is left of the two parts of a loss, by laws of others."""
    return pd.DataFrame(
        {
            "law": left["law"],
            "size's part left, %": left["size_left"].map(words.percent),
            "data's part left, %": left["data_left"].map(words.percent),
            "source": left["source"],
        }
    )


def ends_table(ends: pd.DataFrame) -> pd.DataFrame:
    """Where the post's line ends."""
    return pd.DataFrame(
        {
            "examples": ends["examples"],
            "loss, nats": ends["loss"].map("{:.3f}".format),
            "pass rate, %": ends["rate"].map("{:.1f}".format),
            "the line at zero loss, %": ends["at_zero"].map("{:.0f}".format),
            "loss at which it says 100 %": ends["for_all"].map("{:.2f}".format),
        }
    )
