"""SQL of faces alike: those that were enrolled after the index was asked, by somebody else."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from service.adapters import sql_log
from service.adapters.vault import Vault
from service.core.gallery import Alike, Hit, NewTemplate

_AT_ONCE = 1_000


def with_later(
    connection: Connection,
    gallery_id: int,
    alike: Alike,
    subject: int,
    new: Sequence[NewTemplate],
    vault: Vault,
) -> tuple[Hit, ...]:
    """What was found, and what else is alike by now; the caller holds the gallery's lock.

    So of two who are enrolled at the same moment, the second is told of the first.
    """
    if alike.threshold is None:
        return ()
    hits, after = list(alike.hits), alike.applied
    vectors = np.stack([one.encoded.vector for one in new])
    while True:
        changes = sql_log.read(connection, gallery_id, after, _AT_ONCE, vault)
        for change in changes.entries:
            if change.vector is None or change.subject == subject:
                continue
            score = min(1.0, float((vectors @ change.vector).max()))
            if score >= alike.threshold:
                hits.append(Hit(change.template, score))
        if changes.is_last:
            return tuple(hits)
        after = changes.applied
