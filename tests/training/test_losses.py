"""Every loss term against an independent numpy computation on tiny tensors."""

import numpy as np
import pytest
import torch

from training import losses
from training.networks import Gaussian

RNG = np.random.default_rng(0)


def tensor(*shape: int) -> torch.Tensor:
    return torch.from_numpy(RNG.normal(size=shape).astype(np.float32))


def test_l1_is_the_mean_absolute_difference():
    a, b = tensor(2, 3), tensor(2, 3)
    assert losses.l1(a, b).item() == pytest.approx(np.abs(a.numpy() - b.numpy()).mean(), rel=1e-6)


def test_kl_follows_the_closed_form_per_dimension():
    mean, log_variance = tensor(4, 5), tensor(4, 5)
    mu, sigma2 = mean.numpy().astype(float), np.exp(log_variance.numpy().astype(float))
    expected = np.mean(0.5 * (mu**2 + sigma2 - 1 - np.log(sigma2)))
    assert losses.kl(Gaussian(mean, log_variance)).item() == pytest.approx(expected, rel=1e-5)


def test_kl_of_the_prior_is_zero():
    assert losses.kl(Gaussian(torch.zeros(3, 7), torch.zeros(3, 7))).item() == 0


def test_free_bits_hold_up_the_dimensions_that_would_collapse():
    mean = torch.tensor([[0.0, 2.0]])
    expected = np.mean([0.5, 0.5 * 2.0**2])
    assert losses.kl(Gaussian(mean, torch.zeros(1, 2)), free_bits=0.5).item() == pytest.approx(
        expected
    )


def test_the_paper_s_critic_loss_is_binary_cross_entropy():
    real, fake = tensor(3, 1, 2, 2), tensor(3, 1, 2, 2)
    sigmoid = lambda x: 1 / (1 + np.exp(-x.numpy().astype(float)))  # noqa: E731
    expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    assert losses.critic(real, fake, "log").item() == pytest.approx(expected, rel=1e-5)


def test_the_paper_s_adversarial_loss_does_not_saturate():
    fake = torch.full((1,), -20.0, requires_grad=True)
    losses.adversarial(fake, "log").backward()
    assert fake.grad is not None
    assert fake.grad.item() == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "critic", "adversarial"),
    [("least_squares", (0.5 - 1) ** 2 + 2.0**2, (2.0 - 1) ** 2), ("hinge", 0.5 + 3.0, -2.0)],
)
def test_the_other_gan_modes_by_hand(mode, critic, adversarial):
    real, fake = torch.tensor([0.5]), torch.tensor([2.0])
    assert losses.critic(real, fake, mode).item() == pytest.approx(critic)
    assert losses.adversarial(fake, mode).item() == pytest.approx(adversarial)


def nce_by_hand(a, b, temperature, excluded):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    logits = a @ b.T / temperature
    total = 0.0
    for matrix in (logits, logits.T):
        for i, row in enumerate(matrix):
            kept = [np.exp(x) for j, x in enumerate(row) if j == i or not excluded[i][j]]
            total -= np.log(np.exp(row[i]) / np.sum(kept)) / len(matrix)
    return total / 2


def test_info_nce_by_hand():
    a, b = tensor(4, 6), tensor(4, 6)
    nobody = np.zeros((4, 4), bool)
    expected = nce_by_hand(a.numpy(), b.numpy(), 0.2, nobody)
    assert losses.info_nce(a, b, 0.2).item() == pytest.approx(expected, rel=1e-5)


def test_another_image_of_the_same_person_is_no_negative():
    a, b = tensor(4, 6), tensor(4, 6)
    people = np.array([0, 1, 0, 2])
    same = people[:, None] == people[None]
    expected = nce_by_hand(a.numpy(), b.numpy(), 0.2, same & ~np.eye(4, dtype=bool))
    found = losses.info_nce(a, b, 0.2, torch.from_numpy(same)).item()
    assert found == pytest.approx(expected, rel=1e-5)
    assert found < losses.info_nce(a, b, 0.2).item()
