"""What the study of corpora runs: decision accuracies on the published runs of DataDecide."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.step import Declaration, Request, Study

study = Study("data_selection")


@study.stage(version=4, builder="proxylib.studies.data_selection.fits:build", shared=True)
def datadecide(d: Declaration) -> Request:
    """How well do two cheap signals of small published models order 25 pretraining corpora as models of 1B parameters do? No
    row of the published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={"data": registry.fingerprint("datadecide")})


@study.page("choosing_a_corpus")
def choosing_a_corpus(d: Declaration) -> Request:
    """What the page choosing_a_corpus reads."""
    return Request(None, {"datadecide": d.step("datadecide")})
