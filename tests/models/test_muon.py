"""Muon over all matrices of a shape at once: the rule of torch's, one matrix after the other."""

import copy

import pytest
import torch

from proxylib.models.muon import Muon, orthogonalised

SHAPES = [(8, 8), (8, 8), (8, 20), (20, 8), (20, 8), (5, 7)]


def stepped(optimiser, matrices, grads, steps=3, **settings):
    """The matrices after some steps on the same gradients."""
    parameters = [torch.nn.Parameter(matrix.clone()) for matrix in matrices]
    optim = optimiser(parameters, **settings)
    for step in range(steps):
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad * (1 + step)
        optim.step()
    return parameters, optim


@pytest.fixture
def matrices():
    generator = torch.Generator().manual_seed(1)
    draw = lambda shape: torch.randn(shape, generator=generator)
    return [draw(shape) for shape in SHAPES], [draw(shape) for shape in SHAPES]


@pytest.mark.parametrize(
    "settings", [{}, {"nesterov": False}, {"weight_decay": 0.0, "momentum": 0.8}, {"lr": 0.5, "weight_decay": 0.3}]
)
def test_steps_are_those_of_torch_but_for_its_bfloat16(matrices, settings):
    values, grads = matrices
    ours, optim = stepped(Muon, values, grads, **settings)
    theirs, reference = stepped(torch.optim.Muon, values, grads, **settings)
    rate = settings.get("lr", 1e-3)
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < 0.05 * 3 * rate, (
            a.shape
        )  # an update's entries are about 1 / sqrt(width), bfloat16 holds 3 digits
        torch.testing.assert_close(optim.state[a]["momentum_buffer"], reference.state[b]["momentum_buffer"])


def test_a_matrix_without_a_gradient_stays_as_it_is(matrices):
    values, grads = matrices
    parameters = [torch.nn.Parameter(matrix.clone()) for matrix in values]
    optim = Muon(parameters)
    parameters[0].grad = grads[0]
    optim.step()
    assert not torch.equal(parameters[0], values[0])
    assert all(torch.equal(parameter, value) for parameter, value in zip(parameters[1:], values[1:], strict=True))


def test_a_batch_is_orthogonalised_matrix_by_matrix():
    batch = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(2))
    group = torch.optim.Muon([torch.nn.Parameter(torch.zeros(2, 2))]).param_groups[0]
    rule = (group["ns_coefficients"], group["ns_steps"], group["eps"])
    whole = orthogonalised(batch, *rule)
    assert (torch.linalg.svdvals(whole) - 1).abs().max() < 0.4
    for alone, among in zip(batch, whole, strict=True):
        torch.testing.assert_close(orthogonalised(alone[None], *rule)[0], among)
        u, _, v = torch.linalg.svd(alone, full_matrices=False)
        assert torch.nn.functional.cosine_similarity((u @ v).flatten(), among.flatten(), dim=0) > 0.97


def test_state_goes_on_from_a_copy(matrices):
    values, grads = matrices
    parameters, optim = stepped(Muon, values, grads)
    again = [torch.nn.Parameter(parameter.detach().clone()) for parameter in parameters]
    resumed = Muon(again)
    resumed.load_state_dict(copy.deepcopy(optim.state_dict()))
    for each, others in ((optim, parameters), (resumed, again)):
        for parameter, grad in zip(others, grads, strict=True):
            parameter.grad = grad
        each.step()
    assert all(torch.equal(a, b) for a, b in zip(parameters, again, strict=True))
