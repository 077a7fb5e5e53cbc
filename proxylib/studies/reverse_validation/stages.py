"""What the study of judges by loss runs: one light analysis of a grid that others trained and judged."""

from __future__ import annotations

from pathlib import Path

from proxylib.data.domains import SCRIBE
from proxylib.errors import UserError
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.studies.reverse_validation.settings import ReverseSettings, Section

study = Study("reverse_validation", Section)


@study.stage(version=1, builder="proxylib.studies.reverse_validation.fits:build", resources=Resources(minutes=1), whole=False)
def reverse_validation(d: Declaration, domain: str = SCRIBE) -> Request:
    """Does the correlation with loss order judges, spoilt in known ways, as their agreement with the facts does?"""
    verdicts = d.step("verdicts", domain=domain)
    cells = {role: step for role, step in verdicts.parents.items() if role.startswith("cell/")}
    settings = ReverseSettings(
        reverse_validation=d.profile.reverse_validation,
        schedules=tuple(dict.fromkeys(step.settings.schedule for step in cells.values())),
        bootstrap=d.profile.bootstrap,
    )
    parents = {"verdicts": verdicts, "loss_fits": d.step("loss_fits", domain=domain), "material": verdicts.parents[domain]}
    name = "reverse_validation" if domain == SCRIBE else f"reverse_validation/{domain}"
    return Request(settings, parents | cells, name=name, parameters={"domain": domain})


@study.page("does_loss_validate_the_judge")
def does_loss_validate_the_judge(d: Declaration, table: str | None = None, labels: str | None = None) -> Request:
    """What the page does_loss_validate_the_judge reads."""
    given = {"table": table, "labels": labels}
    paths = {name: Path(value).absolute() for name, value in given.items() if value is not None}
    if "labels" in paths and "table" not in paths:
        raise UserError("parameter table: needed beside labels")
    if paths:  # what is mistyped is refused here, before a kernel starts
        from proxylib.studies.reverse_validation import yours

        judges = yours.grid(paths["table"])[yours.JUDGE].unique()
        if "labels" in paths:
            yours.labels(paths["labels"], judges)
    outside = {name: sha256(path) for name, path in paths.items()}
    parameters = {name: str(path) for name, path in paths.items()}
    names = (SCRIBE, *d.profile.domains)
    parents = {f"reverse_validation/{name}": d.step("reverse_validation", domain=name) for name in names}
    return Request(None, parents, outside=outside, parameters=parameters)
