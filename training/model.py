"""The networks of one run, wired by domain and sharing mode."""

from torch import Tensor, nn

from training.config import Config, Networks
from training.networks import ContentEncoder, Decoder, Discriminator, Gaussian, StyleEncoder


class Null(nn.Module):
    """Ec, Es and D of every domain: all that one side of the adversarial game updates."""

    def __init__(self, networks: Networks, domains: int) -> None:
        super().__init__()
        self.front_end = networks.front_end
        self.content_encoders = _content_encoders(networks, domains)
        self.style_encoders = nn.ModuleList(
            StyleEncoder(width=networks.width) for _ in range(domains)
        )
        self.decoders = nn.ModuleList(
            Decoder(width=networks.width, image_size=networks.image_size) for _ in range(domains)
        )

    def content(self, crops: Tensor, domain: int) -> Gaussian:
        """Posterior of c of (n, 1, 128, 128) crops."""
        posterior = self.content_encoders[domain](crops, domain)
        assert isinstance(posterior, Gaussian)  # noqa: S101 (narrows nn.Module's Any)
        return posterior

    def style(self, images: Tensor, domain: int) -> Gaussian:
        """Posterior of s of (n, 1, image_size, image_size) images."""
        posterior = self.style_encoders[domain](images)
        assert isinstance(posterior, Gaussian)  # noqa: S101
        return posterior

    def decode(self, content: Tensor, style: Tensor, domain: int) -> Tensor:
        """D_i(c, s) -> (n, 1, image_size, image_size) in (0, 1)."""
        image = self.decoders[domain](content, style)
        assert isinstance(image, Tensor)  # noqa: S101
        return image


class Critics(nn.Module):
    """Dis of every domain: the other side of the game."""

    def __init__(self, networks: Networks, domains: int) -> None:
        super().__init__()
        self.of = nn.ModuleList(
            Discriminator(width=networks.width, spectral=networks.spectral_norm)
            for _ in range(domains)
        )


def build(config: Config) -> tuple[Null, Critics]:
    """Fresh networks of a run; seed torch first for a reproducible start."""
    domains = len(config.domains)
    return Null(config.networks, domains), Critics(config.networks, domains)


def _content_encoders(networks: Networks, domains: int) -> nn.ModuleList:
    """One Ec a domain: the same module, one with shared upper stages, or wholly its own."""
    encoders = [
        ContentEncoder(
            width=networks.width,
            domains=domains,
            energies=networks.front_end,
            image_size=networks.image_size,
        )
        for _ in range(1 if networks.share == "all" else domains)
    ]
    if networks.share == "all":
        encoders *= domains
    if networks.share == "high":
        for other in encoders[1:]:
            other.stages[2], other.stages[3] = encoders[0].stages[2], encoders[0].stages[3]
            other.norm, other.head = encoders[0].norm, encoders[0].head
    return nn.ModuleList(encoders)
