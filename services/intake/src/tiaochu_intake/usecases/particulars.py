"""From what was typed to what is stored: checked by the domain, numbers sealed here."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from tiaochu.intake.v1 import case_pb2 as pb
from tiaochu_domainkit.identity import PaperKind
from tiaochu_domainkit.sealing import Keyring, Sealed
from tiaochu_intake.domain.parties import Checked, Particulars, Party, Representative
from tiaochu_intake.usecases.documents import CASES


def typed(party: pb.PartyInput) -> Particulars:
    """A party as the request holds it."""
    return Particulars(
        party_id=party.party_id,
        kind=party.kind,
        name=party.name,
        id_type=party.id_type,
        id_number=party.id_number,
        phone=party.phone,
        identity_note=party.identity_note,
        sex=party.sex,
        born_on=party.born_on,
        ethnicity=party.ethnicity,
        occupation=party.occupation,
        region_code=party.region_code,
        address=party.address,
        electronic_address=party.electronic_address,
        care=tuple(party.care),
        representatives=tuple(_representative(r) for r in party.representatives),
    )


def _representative(r: pb.RepresentativeInput) -> Particulars:
    return Particulars(
        party_id=r.representative_id,
        kind=r.kind,
        name=r.name,
        id_type=r.id_type,
        id_number=r.id_number,
        phone=r.phone,
        relation=r.relation,
        authority=r.authority,
        power_of_attorney_file_id=r.power_of_attorney_file_id,
    )


def kept(given: Particulars, stored: Particulars) -> Particulars:
    """A correction in which a number left empty keeps the stored one; representatives likewise, where they are named by their ids."""
    before = {r.party_id: r for r in stored.representatives}
    acting = tuple(kept(r, before[r.party_id]) if r.party_id in before else r for r in given.representatives)
    same_paper = not given.id_number and given.id_type in ("", stored.id_type)
    return replace(
        given,
        id_type=stored.id_type if same_paper else given.id_type,
        id_number=stored.id_number if same_paper else given.id_number,
        phone=given.phone or stored.phone,
        representatives=acting,
    )


class Sealer:
    """Seals and opens the numbers of the people in a case. A token is bound to its case, its person and its field."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def party(self, case_id: str, checked: Checked, new_id: Callable[[], str]) -> Party:
        """A checked party as it is stored; ids that nobody minted are made by `new_id`."""
        t = checked.typed
        ident = t.party_id or new_id()
        return Party(
            id=ident,
            kind=t.kind,
            name=t.name,
            id_type=t.id_type,
            id_number=self._number(case_id, ident, t.id_number),
            phone=self._phone(case_id, ident, t.phone),
            identity_note=t.identity_note,
            sex=t.sex,
            born_on=checked.born_on,
            ethnicity=t.ethnicity,
            occupation=t.occupation,
            region_code=t.region_code,
            address=t.address,
            electronic_address=t.electronic_address,
            care=checked.care,
            representatives=tuple(self._representative(case_id, r, new_id) for r in checked.representatives),
        )

    def _representative(self, case_id: str, checked: Checked, new_id: Callable[[], str]) -> Representative:
        t = checked.typed
        ident = t.party_id or new_id()
        return Representative(
            id=ident,
            kind=t.kind,
            name=t.name,
            id_type=t.id_type,
            id_number=self._number(case_id, ident, t.id_number),
            phone=self._phone(case_id, ident, t.phone),
            relation=t.relation,
            authority=t.authority,
            power_of_attorney_file_id=t.power_of_attorney_file_id,
        )

    def _number(self, case_id: str, person_id: str, number: str) -> Sealed | None:
        if not number:
            return None
        return self._keyring.seal_id_number(number, table=CASES.name, row=case_id, field=f"{person_id}.id_number")

    def _phone(self, case_id: str, person_id: str, phone: str) -> Sealed | None:
        return self._keyring.seal_phone(phone, table=CASES.name, row=case_id, field=f"{person_id}.phone") if phone else None

    def open_number(self, case_id: str, person_id: str, sealed: Sealed | None) -> str:
        """A paper number in clear, empty where there is none."""
        if sealed is None:
            return ""
        return self._keyring.unseal(sealed.token, table=CASES.name, row=case_id, field=f"{person_id}.id_number")

    def open_phone(self, case_id: str, person_id: str, sealed: Sealed | None) -> str:
        """A phone number in clear, empty where there is none."""
        return "" if sealed is None else self._keyring.unseal(sealed.token, table=CASES.name, row=case_id, field=f"{person_id}.phone")

    def renewed(self, case_id: str, person_id: str, field: str, sealed: Sealed) -> Sealed:
        """The same number under the current key; the same object when it is current already."""
        token = self._keyring.reseal(sealed.token, table=CASES.name, row=case_id, field=f"{person_id}.{field}")
        return sealed if token == sealed.token else replace(sealed, token=token)

    def reopened(self, case_id: str, stored: Party) -> Particulars:
        """A stored party as if typed again: what a correction keeps."""
        return Particulars(
            party_id=stored.id,
            kind=stored.kind,
            name=stored.name,
            id_type=stored.id_type or PaperKind.NONE.value,
            id_number=self.open_number(case_id, stored.id, stored.id_number),
            phone=self.open_phone(case_id, stored.id, stored.phone),
            representatives=tuple(
                Particulars(
                    party_id=r.id,
                    kind=r.kind,
                    name=r.name,
                    id_type=r.id_type,
                    id_number=self.open_number(case_id, r.id, r.id_number),
                    phone=self.open_phone(case_id, r.id, r.phone),
                )
                for r in stored.representatives
            ),
        )

    def receipt_secret(self, case_id: str) -> str:
        """What the receipt code of a case is drawn from; only this service's key can tell it."""
        return self._keyring.blind_index(case_id, "receipt_secret")

    def receipt_index(self, code: str) -> str:
        """By what a receipt code is found again."""
        return self._keyring.blind_index(code, "receipt_code")

    def number_indexes(self, kind: str, values: Iterable[str]) -> list[str]:
        """Blind indexes of normalised numbers of a kind (`id_number`, `phone`)."""
        return [self._keyring.blind_index(value, kind) for value in values]
