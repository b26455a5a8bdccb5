"""What was said to the mediator alone (背对背): who may know it."""

from tiaochu_mediation.domain.mediation import Mediation


def may_read_caucus_note(mediation: Mediation, party_id: str, reader_id: str) -> bool:
    """The mediator of the case and the parties of the side that spoke; nobody above them, and nobody who was recused."""
    if not reader_id or reader_id in mediation.recused:
        return False
    sides = {p.party_id: p.side for p in mediation.participants}
    return reader_id == mediation.mediator_id or (reader_id in sides and sides[reader_id] == sides.get(party_id))
