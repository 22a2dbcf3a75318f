"""One tenant's registration with its provider."""

from dataclasses import dataclass

from tenants.oidc.metadata import ALGORITHMS, Metadata


@dataclass(frozen=True, slots=True)
class Client:
    """`redirect_uri` is the console's own, whatever host a request came by. Its secret shows up in no `repr`."""

    tenant_id: str
    client_id: str
    client_secret: str
    scopes: str
    redirect_uri: str
    metadata: Metadata

    def __repr__(self) -> str:
        return f"Client({self.tenant_id}, {self.metadata.issuer}, {self.client_id})"

    @property
    def issuer(self) -> str:
        return self.metadata.issuer

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Ours that the provider says it signs with."""
        return tuple(name for name in ALGORITHMS if name in self.metadata.algorithms)
