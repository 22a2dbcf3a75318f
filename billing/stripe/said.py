"""What Stripe said of one customer, as plain values that a cache can keep."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NextInvoice:
    """`amount` in the currency's minor units; `at` in epoch seconds."""

    amount: int
    currency: str
    at: int


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """`brand` and expiry are a card's; `last4` a card's or an account's."""

    type: str
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Without a subscription all but `payment_method` is empty. The period is in epoch seconds."""

    status: str = ""
    lookup_key: str = ""
    period_start: int | None = None
    period_end: int | None = None
    cancels: bool = False
    next_invoice: NextInvoice | None = None
    payment_method: PaymentMethod | None = None


def to_json(said: Said) -> dict[str, Any]:
    return asdict(said)


def from_json(kept: dict[str, Any]) -> Said:
    """Raise `TypeError` for what another version of this module kept."""
    invoice, method = kept["next_invoice"], kept["payment_method"]
    return Said(
        **{
            **kept,
            "next_invoice": NextInvoice(**invoice) if invoice else None,
            "payment_method": PaymentMethod(**method) if method else None,
        }
    )
