"""Documents in rows: every token once, labels where there is something to predict, no look at a neighbour."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models.small_training import SPECIAL, each_architecture, unpacked

from proxylib.models import architectures
from proxylib.models.packing import IGNORE, Rows, pack

DOCUMENTS = st.lists(st.lists(st.integers(3, 99), max_size=14), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(documents=DOCUMENTS, context=st.integers(3, 16))
def test_every_document_is_packed_once_whole_or_cut_to_a_row(documents, context):
    rows = pack(iter(documents), None, context, SPECIAL)
    wanted = [[1, *document, 2][:context] for document in documents]
    assert sorted(unpacked(rows)) == sorted(wanted)
    assert rows.tokens == sum(len(document) - 1 for document in wanted)  # all but each bos are predicted


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(documents=DOCUMENTS, context=st.integers(3, 16), pad=st.sampled_from([0, 2]))
def test_labels_mask_padding_and_each_bos_and_nothing_else(documents, context, pad):
    # padding is masked by place, never by id: here it may equal eos
    ids, positions, labels = pack(iter(documents), None, context, SPECIAL._replace(pad=pad))
    kept = labels != IGNORE
    assert (labels[kept] == ids[kept]).all() and not (positions[kept] == 0).any()
    assert (ids[~kept & (positions == 0)] != 2).all() or pad == 2
    closing = sum(len(document) + 2 <= context for document in documents)
    assert int((labels == 2).sum()) == closing


def test_a_document_longer_than_a_row_is_cut_without_an_end():
    rows = pack(iter([list(range(10, 30))]), None, 8, SPECIAL)
    assert rows.ids.tolist() == [[1, 10, 11, 12, 13, 14, 15, 16]]
    assert rows.labels.tolist() == [[IGNORE, 10, 11, 12, 13, 14, 15, 16]]


def test_documents_share_a_row_and_count_positions_from_zero():
    rows = pack(iter([[5, 6], [7]]), None, 9, SPECIAL)
    assert rows.ids.tolist() == [[1, 5, 6, 2, 1, 7, 2, 0, 0]]
    assert rows.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2, 0, 1]]
    assert rows.labels.tolist() == [[IGNORE, 5, 6, 2, IGNORE, 7, 2, IGNORE, IGNORE]]


def test_packing_stops_at_the_rows_asked_for():
    endless = iter(lambda: [7, 8, 9], None)
    rows = pack(endless, 5, 12, SPECIAL)
    assert rows.ids.shape == (5, 12) and (rows.labels != IGNORE).any(1).all()


@each_architecture
def test_no_document_sees_its_neighbours_in_a_row(spec):
    torch.manual_seed(1)
    model = architectures.build(spec, 100, 32).eval()
    with torch.no_grad():  # freshly drawn attention is nearly flat and would hide a leak
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(10)
    first, second = [5, 6, 7, 8], [9, 10, 11]
    rows = pack(iter([first, second]), None, 16, SPECIAL)
    changed = pack(iter([[50, 60, 70, 80], second]), None, 16, SPECIAL)
    alone = torch.tensor([[1, *second, 2]])
    with torch.inference_mode():
        packed, other = (
            model(input_ids=r.ids, position_ids=r.positions, use_cache=False).logits[0, 6:11] for r in (rows, changed)
        )
        single = model(input_ids=alone).logits[0]
    torch.testing.assert_close(packed, other, rtol=0, atol=1e-5)
    torch.testing.assert_close(packed, single, rtol=0, atol=1e-4)


def test_rows_are_cut_together():
    rows = Rows(*(torch.arange(12).reshape(4, 3) + shift for shift in (0, 100, 200)))
    part = rows.part(1, 3)
    assert [tensor.tolist() for tensor in part] == [[[3 + s, 4 + s, 5 + s], [6 + s, 7 + s, 8 + s]] for s in (0, 100, 200)]
