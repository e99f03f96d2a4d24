"""A folder's licence file in, the licence of the files in it out.

`LICENSE`, `LICENCE`, `COPYING` and `UNLICENSE`, whatever their ending, speak for their folder and every folder below
that has none of its own. Recognised by the title or the sentence that grants, whichever comes first, since the GNU
licences name each other. Several such files in one folder (`LICENSE-MIT`, `LICENSE-APACHE`) are a choice. What is
written is an SPDX identifier, which `licence.is_allowed` judges; a file that says nothing we know gives none.
"""

import re
from collections.abc import Iterable, Mapping

MAX_LICENCE_BYTES = 200_000

_NAME = re.compile(
    r"(?:un)?licen[sc]e|copying(?:\.lesser)?|(?:licen[sc]e|copying)[-_.](?:md|txt|rst|html|mit|x11|isc|zlib|psf|unlicense"
    r"|apache|apache2|apache-2\.0|apache2\.0|bsd|bsd2|bsd3|bsd-[23]-clause|boost|bsl|cc0|a?gpl|a?gpl-?v?[23]|lgpl|mpl)"
    r"(?:\.(?:md|txt|rst))?",
    re.IGNORECASE,
)
_GRANTS = (
    (r"gnu affero general public licen[sc]e", "AGPL-3.0-only"),
    (r"gnu (?:lesser|library) general public licen[sc]e", "LGPL-3.0-only"),
    (r"gnu general public licen[sc]e", "GPL-3.0-only"),
    (r"mozilla public licen[sc]e", "MPL-2.0"),
    (r"eclipse public licen[sc]e", "EPL-2.0"),
    (r"common development and distribution licen[sc]e", "CDDL-1.0"),
    (r"european union public licen[sc]e", "EUPL-1.2"),
    (r"server side public licen[sc]e", "SSPL-1.0"),
    (r"business source licen[sc]e", "BUSL-1.1"),
    (r"elastic licen[sc]e", "Elastic-2.0"),
    (r"attribution[- ]noncommercial", "CC-BY-NC-4.0"),
    (r"attribution[- ]sharealike", "CC-BY-SA-4.0"),
    (r"attribution[- ]noderiv", "CC-BY-ND-4.0"),
    (r"creative commons attribution|attribution 4\.0 international", "CC-BY-4.0"),
    (r"cc0 1\.0 universal", "CC0-1.0"),
    (r"apache licen[sc]e,? version 2\.0|apache licen[sc]e version 2\.0", "Apache-2.0"),
    (r"permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    (r"redistribution and use in source and binary forms", "BSD-3-Clause"),
    (r"permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose", "ISC"),
    (r"this is free and unencumbered software released into the public domain", "Unlicense"),
    (r"boost software licen[sc]e", "BSL-1.0"),
    (r"python software foundation licen[sc]e", "PSF-2.0"),
    (r"the artistic licen[sc]e 2\.0", "Artistic-2.0"),
    (r"do what the fuck you want to", "WTFPL"),
    (r"this software is provided 'as-is', without any express or implied warranty", "Zlib"),
)
_GRANT = re.compile("|".join(f"({pattern})" for pattern, _ in _GRANTS))
_RESERVED = re.compile(r"all rights reserved|proprietary|confidential|unauthori[sz]ed (?:copying|use)")


def is_licence_file(name: str) -> bool:
    """Say whether a file of this name, without its folder, holds a licence."""
    return _NAME.fullmatch(name) is not None


def licence_in(text: str) -> str:
    """Return the SPDX identifier of the licence that a text grants, "" where it grants none we know."""
    plain = " ".join(text.lower().replace("*", " ").split())
    found = _GRANT.search(plain)
    if found is not None:
        assert found.lastindex is not None
        return _GRANTS[found.lastindex - 1][1]
    return "LicenseRef-proprietary" if _RESERVED.search(plain) else ""


def choice_of(licences: Iterable[str]) -> str:
    """Return the expression for the licence files of one folder."""
    return " OR ".join(sorted({licence for licence in licences if licence}))


def nearest(licences: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what is known of a file's licence from the folders above it, as `meta`.

    Args:
        licences: folder ("" for the top, else "a/b") -> its licence.
        name: the file's path, its parts joined by "/".
    """
    parts = name.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        if licence := licences.get("/".join(parts[:depth])):
            return {"licence": licence}
    return {}
